export { CASES } from './cases/index.ts';
export { type CaseContext, type ConformanceCase, rejects } from './conformance-case.ts';
export { matching, nearest, random, records, vectorOf } from './data.ts';
export { answerHttp, answerRaw, type RawAnswer } from './faults/http.ts';
export { type Fault, type FaultProxy, type Listener, listen, proxyTo } from './faults/tcp.ts';
export { BUSY_SECONDS, type Harness, type Trouble } from './harness.ts';
export { LEAK_CASE, leakResult, watchLeaks } from './leaks.ts';
export { type CaseResult, isClean, type Outcome, runCase } from './run-case.ts';
