import { ValidationError } from '@bufbuild/protovalidate';
import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { DomainError } from './domain-error.ts';
import { ERROR_DOMAIN, isReasonName, REASONS, type ReasonName } from './reasons.ts';
import { fromValidate } from './violations.ts';

/**
 * Any thrown value as the error that leaves a service, always with `ErrorInfo`. Idempotent. An error of another of our
 * services keeps its code, text and details; everything that nobody foresaw becomes INTERNAL with a generic text and the original as
 * `cause`, so that no driver's or vendor's words reach a caller.
 */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    if (reasonOf(error) === undefined) return fromForeign(error);
    return error.isWireError ? relayed(error) : error;
  }
  return fromDomain(toDomainError(error));
}

/** The reason that an error carries, thrown here or received from another service; undefined for a foreign error. */
export function reasonOf(error: unknown): ReasonName | undefined {
  if (error instanceof DomainError) return error.reason;
  if (!(error instanceof ConnectError)) return undefined;
  const info = error.findDetails(ErrorInfoSchema).find(({ domain }) => domain === ERROR_DOMAIN);
  return info && isReasonName(info.reason) ? info.reason : undefined;
}

function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof ValidationError) {
    const violations = fromValidate(error.violations);
    return new DomainError('INVALID_ARGUMENT', summary(violations), { violations, cause: error });
  }
  // `AbortSignal.timeout()` and `AbortController.abort()` reject with a DOMException of these names.
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined;
  if (name === 'TimeoutError') return new DomainError('DEADLINE_EXCEEDED', TEXTS.DEADLINE_EXCEEDED, { cause: error });
  if (name === 'AbortError') return new DomainError('CANCELLED', TEXTS.CANCELLED, { cause: error });
  return new DomainError('INTERNAL', TEXTS.INTERNAL, { cause: error });
}

function summary(violations: readonly { field: string; description: string }[]): string {
  const [first] = violations;
  if (first === undefined) return 'The request is not valid.';
  const text = first.field === '' ? first.description : `${first.field}: ${first.description}`;
  return violations.length === 1 ? text : `${text} (and ${violations.length - 1} more)`;
}

function fromDomain(error: DomainError): ConnectError {
  const { reason, metadata, violations, retryAfterMs } = error;
  const result = new ConnectError(error.message, REASONS[reason].code, undefined, undefined, error);
  result.details.push({ desc: ErrorInfoSchema, value: { reason, domain: ERROR_DOMAIN, metadata: { ...metadata } } });
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
    result.details.push({ desc: BadRequestSchema, value: { fieldViolations } });
  }
  if (retryAfterMs !== undefined) {
    result.details.push({ desc: RetryInfoSchema, value: { retryDelay: toDuration(retryAfterMs) } });
  }
  return result;
}

function toDuration(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) };
}

const TEXTS = {
  CANCELLED: 'The call was cancelled.',
  DEADLINE_EXCEEDED: 'The deadline passed.',
  UNAVAILABLE: 'A part that this call needs is not reachable now.',
  INTERNAL: 'internal error',
} as const;

/** The error of another service as ours: its details, without its response headers. */
function relayed(error: ConnectError): ConnectError {
  const result = new ConnectError(error.rawMessage, error.code, undefined, undefined, error);
  result.details.push(...error.details);
  return result;
}

/** Of an error without a reason: made by the RPC library, or by a server that is none of ours. */
function fromForeign(error: ConnectError): ConnectError {
  const reason = foreignReason(error);
  const text = reason in TEXTS ? TEXTS[reason as keyof typeof TEXTS] : error.rawMessage;
  return fromDomain(new DomainError(reason, text, { cause: error }));
}

function foreignReason({ code, isWireError }: ConnectError): ReasonName {
  switch (code) {
    case Code.Canceled:
      return 'CANCELLED';
    case Code.DeadlineExceeded:
      return 'DEADLINE_EXCEEDED';
    case Code.Unavailable:
      return 'UNAVAILABLE';
    case Code.InvalidArgument:
    case Code.OutOfRange:
      return 'INVALID_ARGUMENT';
    case Code.Unimplemented:
      // Local: no message or too many, or a compression that the library does not know.
      return isWireError ? 'NOT_YET_AVAILABLE' : 'MALFORMED_BODY';
    case Code.Unauthenticated:
      return 'UNAUTHENTICATED';
    case Code.PermissionDenied:
      return 'PERMISSION_DENIED';
    case Code.ResourceExhausted:
      // The library's own limit on message size; from the wire, somebody else's bound.
      return isWireError ? 'OVERLOADED' : 'BODY_TOO_LARGE';
    case Code.Aborted:
      // Local: the peer of a stream hung up.
      return isWireError ? 'CONFLICT' : 'CANCELLED';
    case Code.AlreadyExists:
      return 'ALREADY_EXISTS';
    default:
      return 'INTERNAL';
  }
}
