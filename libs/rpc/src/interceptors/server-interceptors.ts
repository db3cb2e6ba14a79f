import type { DescMethod } from '@bufbuild/protobuf';
import type { Interceptor } from '@connectrpc/connect';
import type { Authenticator } from '@morag/auth';
import type { AuditJournal } from '../audit/audit-journal.ts';
import type { IdempotencyStore } from '../idempotency-store.ts';
import type { RateLimits } from '../rate-limit/rate-limits.ts';
import type { AccessRules } from '../server/access-rules.ts';
import type { Admission } from '../server/admission.ts';
import type { CallObserver } from '../server/call-observer.ts';
import { accessLog } from './access-log.interceptor.ts';
import { admit } from './admission.interceptor.ts';
import { auditDenials, auditMutations } from './audit.interceptor.ts';
import { authentication } from './authentication.interceptor.ts';
import { credentialWatch } from './credential-watch.interceptor.ts';
import { errorMapping } from './errors.interceptor.ts';
import { idempotency } from './idempotency.interceptor.ts';
import { permission } from './permission.interceptor.ts';
import { addressLimit, callerLimit } from './rate-limit.interceptor.ts';
import { requestId } from './request-id.interceptor.ts';
import { tracing } from './tracing.interceptor.ts';
import { validation } from './validation.interceptor.ts';

/** What the interceptors work with. */
export interface InterceptorParts {
  readonly observer: CallObserver;
  readonly admission: Admission;
  readonly authenticator: Authenticator;
  readonly accessRules: AccessRules;
  /** True for a method that only answers NOT_YET_AVAILABLE; its request is not looked at. */
  readonly isUnavailable: (method: DescMethod) => boolean;
  readonly idempotency?: IdempotencyStore;
  readonly audit?: AuditJournal;
  readonly rateLimits?: RateLimits;
}

/** Everything that happens around every call of every service, outermost first. Production and tests use this array. */
export function serverInterceptors(parts: InterceptorParts): Interceptor[] {
  return [
    requestId,
    tracing,
    accessLog(parts.observer),
    errorMapping,
    admit(parts.admission),
    ...(parts.rateLimits ? [addressLimit(parts.rateLimits, parts.accessRules)] : []),
    authentication(parts.authenticator, parts.accessRules),
    ...(parts.rateLimits ? [callerLimit(parts.rateLimits)] : []),
    credentialWatch(parts.authenticator),
    ...(parts.audit ? [auditDenials(parts.audit)] : []),
    permission(parts.accessRules),
    unless(parts.isUnavailable, validation()),
    ...(parts.idempotency ? [unless(parts.isUnavailable, idempotency(parts.idempotency))] : []),
    ...(parts.audit ? [unless(parts.isUnavailable, auditMutations(parts.audit, parts.accessRules))] : []),
  ];
}

function unless(skip: (method: DescMethod) => boolean, interceptor: Interceptor): Interceptor {
  return (next) => {
    const guarded = interceptor(next);
    return (req) => (skip(req.method) ? next(req) : guarded(req));
  };
}
