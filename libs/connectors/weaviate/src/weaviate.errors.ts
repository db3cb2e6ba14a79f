import type { IncomingHttpHeaders } from 'node:http';
import {
  type Category,
  ConnectorError,
  categoryOfStatus,
  networkError,
  type Origin,
  retryAfterMsOf,
} from '@morag/connectors-core';

export const NOT_WEAVIATE = 'What answers there is not Weaviate.';

/** An answer that is no success. */
export class RestFailure extends Error {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;

  constructor(status: number, headers: IncomingHttpHeaders, text: string) {
    super(text);
    this.status = status;
    this.headers = headers;
  }
}

/** No connection to the gRPC port; `cause` says why. */
export class NoLine extends Error {
  readonly port: number;

  constructor(port: number, cause: unknown) {
    super('no connection', { cause });
    this.port = port;
  }
}

const CATEGORY_OF_GRPC: Readonly<Record<string, Category>> = {
  CANCELLED: 'cancelled',
  INVALID_ARGUMENT: 'invalid_argument',
  DEADLINE_EXCEEDED: 'timeout',
  NOT_FOUND: 'not_found',
  ALREADY_EXISTS: 'already_exists',
  PERMISSION_DENIED: 'permission_denied',
  RESOURCE_EXHAUSTED: 'rate_limited',
  FAILED_PRECONDITION: 'conflict',
  OUT_OF_RANGE: 'invalid_argument',
  UNIMPLEMENTED: 'unsupported',
  UNAVAILABLE: 'unavailable',
  UNAUTHENTICATED: 'unauthenticated',
};

/** The server calls most failures UNKNOWN, or 422 and 500 over REST; these of its texts say what is meant. */
const CATEGORY_OF_TEXT: readonly (readonly [RegExp, Category])[] = [
  [/already exists|already in use|found similar class/i, 'already_exists'],
  [/could not find class|class .*not (?:found|present)|tenant .*not found|not found: class/i, 'not_found'],
  [/vector lengths don't match|vector with length|vector dimension|new node has a vector/i, 'invalid_argument'],
  [/message larger than max/i, 'payload_too_large'],
  [/read-?only|not enough memory|memory pressure/i, 'unavailable'],
];

/** `… /weaviate.v1.Weaviate/Search UNKNOWN: text`, as the SDK words every failed call. */
const GRPC_TEXT = /\/weaviate\.v1\.Weaviate\/\w+ ([A-Z_]+): (.*)$/s;

/** Any error of a call, over REST or gRPC, as a `ConnectorError`. */
export function weaviateError(error: unknown, origin: Origin, redact: (text: string) => string): ConnectorError {
  if (error instanceof RestFailure) return restError(error, origin, redact);
  if (error instanceof NoLine) {
    const { category, message, vendorCode, retryable, cause } = weaviateError(error.cause, origin, redact);
    return new ConnectorError(category, origin, `gRPC, port ${error.port}: ${message}`, {
      vendorCode,
      retryable,
      cause,
    });
  }
  const network = networkError(error, origin);
  if (network) return network;
  const { name, message } = (error ?? {}) as { name?: string; message?: string };
  if (error instanceof SyntaxError) return new ConnectorError('protocol', origin, NOT_WEAVIATE, { cause: error });
  const [, status = '', text = ''] = GRPC_TEXT.exec(message ?? '') ?? [];
  // Of a message that is too large as of too many of them.
  const byText = status in CATEGORY_OF_GRPC && status !== 'RESOURCE_EXHAUSTED' ? undefined : categoryOfText(message);
  const category = byText ?? CATEGORY_OF_GRPC[status] ?? 'internal';
  const shown = text || message || 'Weaviate failed.';
  return new ConnectorError(category, origin, redact(shown), { vendorCode: status || name, cause: error });
}

function restError(error: RestFailure, origin: Origin, redact: (text: string) => string): ConnectorError {
  const { status, headers, message } = error;
  const byStatus = categoryOfStatus(status);
  const category = status === 422 || status === 500 ? (categoryOfText(message) ?? byStatus) : byStatus;
  return new ConnectorError(category, origin, category === 'protocol' ? NOT_WEAVIATE : redact(message), {
    httpStatus: status,
    retryAfterMs: retryAfterMsOf(headers['retry-after']),
    cause: error,
  });
}

function categoryOfText(text = ''): Category | undefined {
  return CATEGORY_OF_TEXT.find(([pattern]) => pattern.test(text))?.[1];
}
