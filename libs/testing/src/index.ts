export { freePort } from '@morag/embedded';
export { newAuthority, type TestAuthority } from './certificates.ts';
export { type FixedClock, fixedClock } from './clock.ts';
export { type EventuallyOptions, eventually } from './eventually.ts';
export { createFaultProxy, type FaultProxy } from './fault-proxy.ts';
export { type Installation, newInstallation } from './installation.ts';
export { createLogSink, type LogSink } from './log-sink.ts';
export { createTestDatabase, startPostgres, type TestPostgres } from './postgres.ts';
export { noteSkip } from './skips.ts';
