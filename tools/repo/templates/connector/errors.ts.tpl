import { ConnectorError, categoryOfStatus, networkError, type Origin, retryAfterMsOf } from '@morag/connectors-core';

/** An answer that says that the request failed. */
export class __Vendor__Refusal extends Error {
  readonly status: number;
  readonly retryAfter: string | undefined;

  constructor(status: number, text: string, retryAfter: string | undefined) {
    super(text);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Whatever was thrown as a `ConnectorError`: what the socket, TLS or the egress rules say comes first. */
export function __vendor__Error(error: unknown, origin: Origin, redact: (text: string) => string): ConnectorError {
  const network = networkError(error, origin);
  if (network) return network;
  if (error instanceof __Vendor__Refusal) {
    return new ConnectorError(categoryOfStatus(error.status), origin, redact(error.message), {
      httpStatus: error.status,
      retryAfterMs: retryAfterMsOf(error.retryAfter),
      cause: error,
    });
  }
  if (error instanceof SyntaxError) {
    return new ConnectorError('protocol', origin, 'What answers there is not __Vendor__.', { cause: error });
  }
  return new ConnectorError('internal', origin, redact(error instanceof Error ? error.message : String(error)), {
    cause: error,
  });
}
