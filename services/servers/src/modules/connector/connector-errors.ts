import { type ConnectorError, isConnectorError } from '@morag/connectors-core';
import { DomainError, type ReasonName } from '@morag/errors';

/** What the failure of a request to a server means to the caller who asked for it. */
const REASONS: Readonly<Record<ConnectorError['category'], ReasonName>> = {
  unauthenticated: 'SERVER_REFUSED_CREDENTIALS',
  permission_denied: 'SERVER_REFUSED_CREDENTIALS',
  not_found: 'COLLECTION_NOT_FOUND',
  already_exists: 'COLLECTION_EXISTS',
  invalid_argument: 'SERVER_REJECTED',
  unsupported: 'UNSUPPORTED_BY_SERVER',
  rate_limited: 'SERVER_UNREACHABLE',
  payload_too_large: 'SERVER_REJECTED',
  unavailable: 'SERVER_UNREACHABLE',
  timeout: 'SERVER_UNREACHABLE',
  cancelled: 'SERVER_UNREACHABLE',
  conflict: 'COLLECTION_EXISTS',
  host_denied: 'HOST_NOT_ALLOWED',
  protocol: 'SERVER_UNREACHABLE',
  internal: 'SERVER_UNREACHABLE',
};

/** A connector's error as the reason it means; anything else as it is. The text is the connector's, which is safe. */
export function fromConnectorError(error: unknown, signal?: AbortSignal): unknown {
  if (!isConnectorError(error)) return error;
  if (error.category === 'cancelled' && signal?.aborted) return signal.reason;
  return new DomainError(REASONS[error.category], `The server answered: ${error.message}`, {
    metadata: { category: error.category },
    retryAfterMs: error.retryAfterMs,
    cause: error,
  });
}

/** Errors after which another placement, or the same a little later, may do better. */
const PASSING: ReadonlySet<string> = new Set<ConnectorError['category']>([
  'rate_limited',
  'unavailable',
  'timeout',
  'cancelled',
  'protocol',
  'internal',
  'unauthenticated',
  'permission_denied',
  'not_found',
  'host_denied',
]);

/** Whether a failed read says something about the placement and nothing about the request. */
export function blamesServer(error: unknown): error is ConnectorError {
  return isConnectorError(error) && PASSING.has(error.category);
}
