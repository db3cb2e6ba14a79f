import { Code } from '@connectrpc/connect';
import type { Reason } from '@morag/gen/morag/errors/v1/reason_pb.ts';

/** The `domain` of every `google.rpc.ErrorInfo` of this system. */
export const ERROR_DOMAIN = 'morag';

/** Name of a reason that can be sent: every value of `morag.errors.v1.Reason` but the zero one. */
export type ReasonName = Exclude<keyof typeof Reason, 'REASON_UNSPECIFIED'>;

/** What a reason means on the wire. */
export interface ReasonEntry {
  /** Status code in gRPC, gRPC-Web and Connect. */
  readonly code: Code;
  /** HTTP status at the gateway, only where HTTP has a better word than the table of codes (`codes.ts`) gives. */
  readonly http?: number;
}

/**
 * Reason → code (→ HTTP status): the only place that decides it. A reason of the proto without an entry here does not
 * compile. Rules: the argument itself is wrong → InvalidArgument; it would be right in another state of the system →
 * FailedPrecondition; the same call may succeed a moment later → Unavailable, Aborted or ResourceExhausted.
 */
export const REASONS = {
  INVALID_ARGUMENT: { code: Code.InvalidArgument },
  MALFORMED_BODY: { code: Code.InvalidArgument },
  BODY_TOO_LARGE: { code: Code.ResourceExhausted, http: 413 },
  INVALID_PAGE_TOKEN: { code: Code.InvalidArgument },
  INVALID_LIST_FILTER: { code: Code.InvalidArgument },
  ROUTE_NOT_FOUND: { code: Code.NotFound },
  METHOD_NOT_ALLOWED: { code: Code.Unimplemented, http: 405 },
  UNSUPPORTED_MEDIA_TYPE: { code: Code.InvalidArgument, http: 415 },

  UNAUTHENTICATED: { code: Code.Unauthenticated },
  WRONG_CREDENTIALS: { code: Code.Unauthenticated },
  PERMISSION_DENIED: { code: Code.PermissionDenied },
  REGISTRATION_DISABLED: { code: Code.PermissionDenied },
  REFRESH_TOKEN_REUSED: { code: Code.Unauthenticated },
  WEAK_PASSWORD: { code: Code.InvalidArgument },
  LAST_ADMINISTRATOR: { code: Code.FailedPrecondition },

  USER_NOT_FOUND: { code: Code.NotFound },
  EMAIL_EXISTS: { code: Code.AlreadyExists },
  API_KEY_NOT_FOUND: { code: Code.NotFound },
  SESSION_NOT_FOUND: { code: Code.NotFound },

  SERVER_NOT_FOUND: { code: Code.NotFound },
  SERVER_EXISTS: { code: Code.AlreadyExists },
  SERVER_INACTIVE: { code: Code.FailedPrecondition },
  SERVER_UNREACHABLE: { code: Code.Unavailable },
  SERVER_IN_USE: { code: Code.FailedPrecondition },
  SERVER_REFUSED_CREDENTIALS: { code: Code.FailedPrecondition },
  SERVER_REJECTED: { code: Code.InvalidArgument },
  INVALID_SERVER_CONFIG: { code: Code.InvalidArgument },
  HOST_NOT_ALLOWED: { code: Code.InvalidArgument },
  UNSUPPORTED_BY_SERVER: { code: Code.FailedPrecondition },
  COLLECTION_NOT_FOUND: { code: Code.NotFound },
  COLLECTION_EXISTS: { code: Code.AlreadyExists },
  SERVER_TYPE_NOT_AVAILABLE: { code: Code.FailedPrecondition },

  DATABASE_NOT_FOUND: { code: Code.NotFound },
  DATABASE_EXISTS: { code: Code.AlreadyExists },
  COLLECTION_IN_USE: { code: Code.FailedPrecondition },
  DIMENSION_MISMATCH: { code: Code.InvalidArgument },
  INVALID_VECTOR: { code: Code.InvalidArgument },
  INVALID_FILTER: { code: Code.InvalidArgument },
  INVALID_CONSISTENCY_TOKEN: { code: Code.InvalidArgument },
  NO_PLACEMENT_AVAILABLE: { code: Code.Unavailable },
  WRITE_NOT_CONFIRMED: { code: Code.DeadlineExceeded },
  PLACEMENT_NOT_FOUND: { code: Code.NotFound },
  PLACEMENT_CONFLICT: { code: Code.FailedPrecondition },
  WEBHOOK_NOT_FOUND: { code: Code.NotFound },
  RECORD_REFUSED: { code: Code.InvalidArgument },

  DOCUMENT_NOT_FOUND: { code: Code.NotFound },
  INVALID_DOCUMENT_STATE: { code: Code.FailedPrecondition },
  EMPTY_FILE: { code: Code.InvalidArgument },
  UNSUPPORTED_FILE_TYPE: { code: Code.InvalidArgument },
  UNREADABLE_FILE: { code: Code.InvalidArgument },
  NO_TEXT_FOUND: { code: Code.InvalidArgument },
  FILE_TOO_LARGE: { code: Code.ResourceExhausted, http: 413 },
  JOB_NOT_FOUND: { code: Code.NotFound },
  INVALID_JOB_STATUS: { code: Code.FailedPrecondition },
  LEASE_LOST: { code: Code.Aborted },
  EMBEDDER_FAILED: { code: Code.Unavailable },
  EMBEDDING_MISMATCH: { code: Code.FailedPrecondition },

  MEMORY_NOT_FOUND: { code: Code.NotFound },
  EMBEDDING_COLLECTION_NOT_FOUND: { code: Code.NotFound },
  CACHE_ENTRY_NOT_FOUND: { code: Code.NotFound },
  MODEL_NOT_FOUND: { code: Code.NotFound },
  SELECTION_NOT_FOUND: { code: Code.NotFound },
  AUTHORIZATION_REQUEST_NOT_FOUND: { code: Code.NotFound },
  AUTHORIZATION_REQUEST_CLOSED: { code: Code.FailedPrecondition },
  ALREADY_EXISTS: { code: Code.AlreadyExists },

  ETAG_MISMATCH: { code: Code.Aborted, http: 412 },
  REQUEST_ID_REUSED: { code: Code.AlreadyExists },
  CONFLICT: { code: Code.Aborted },
  OPERATION_NOT_FOUND: { code: Code.NotFound },

  RATE_LIMITED: { code: Code.ResourceExhausted },
  QUOTA_EXCEEDED: { code: Code.ResourceExhausted },
  OVERLOADED: { code: Code.ResourceExhausted },

  NOT_YET_AVAILABLE: { code: Code.Unimplemented },
  CANCELLED: { code: Code.Canceled },
  DEADLINE_EXCEEDED: { code: Code.DeadlineExceeded },
  UNAVAILABLE: { code: Code.Unavailable },
  INTERNAL: { code: Code.Internal },
} as const satisfies Record<ReasonName, ReasonEntry>;

/** True for a name that stands in `REASONS`. */
export function isReasonName(name: string): name is ReasonName {
  return Object.hasOwn(REASONS, name);
}

const PASSING: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Aborted, Code.ResourceExhausted]);

/** Whether a reason is one of the moment: the same call may succeed a little later. */
export function isPassing(reason: ReasonName): boolean {
  return PASSING.has(REASONS[reason].code);
}
