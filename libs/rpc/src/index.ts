export type { AuditEnd, AuditJournal, AuditRecord } from './audit/audit-journal.ts';
export { type AuditNote, auditNoteKey, noteBefore } from './audit/audit-note.ts';
export { withoutSecrets } from './audit/describe-change.ts';
export { sendAuditRecords } from './audit/send-records.ts';
export { acceptRequestId, peerAddressKey, REQUEST_ID_HEADER, requestIdKey } from './call-context.ts';
export { callOptions, type Forwarded, forwardHeaders } from './client/call-options.ts';
export { deferredTransport } from './client/deferred-transport.ts';
export { openPeers, type Peers } from './client/peers.ts';
export {
  createServiceTransport,
  type ServiceTransport,
  type ServiceTransportOptions,
  transportTo,
} from './client/service-transport.ts';
export {
  createMemoryIdempotencyStore,
  type IdempotencyStore,
  type IdempotentCall,
  requestIdReused,
} from './idempotency-store.ts';
export { type InterceptorParts, serverInterceptors } from './interceptors/server-interceptors.ts';
export { methodName, methodNames } from './method-name.ts';
export { notYetAvailable } from './not-yet-available.ts';
export { type PageBinding, type PageTokens, pageTokens } from './page-tokens.ts';
export type { Balance } from './rate-limit/drawing.ts';
export { RATE_LIMIT_HEADERS } from './rate-limit/rate-limit-headers.ts';
export { bucketName, createRateLimits, type RateLimitSettings, type RateLimits } from './rate-limit/rate-limits.ts';
export { type ApiKeyUsage, type ApiKeyUsageOptions, createApiKeyUsage } from './server/api-key-usage.ts';
export type { FinishedCall } from './server/call-observer.ts';
export { DEFAULT_LIMITS, type Limits } from './server/limits.ts';
export {
  createOfflineAuthentication,
  type OfflineAuthentication,
  type OfflineAuthenticationOptions,
} from './server/offline-authentication.ts';
export { type Runnable, type RunOptions, runProgram } from './server/run-program.ts';
export { createServiceHost, type ServiceHost, type ServiceHostOptions } from './server/service-host.ts';
export { openConfiguredTls, openTls, type TlsFiles, type TlsMaterial, type TlsOptions } from './tls/tls-material.ts';
export { isOutputOnly, type UpdateShape, updatedFields, updateShapeOf } from './update-mask.ts';
