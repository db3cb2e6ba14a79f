import type { IncomingHttpHeaders } from 'node:http';
import {
  type Category,
  ConnectorError,
  categoryOfStatus,
  networkError,
  type Origin,
  retryAfterMsOf,
} from '@morag/connectors-core';

const CAUSES_MAX = 5;

/** What the server answered instead of a result. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/**
 * An answer without success. The SDK's own errors are not used: they lose the status, `Retry-After` and the text of
 * 429 and 5xx, and take 403 for 400.
 */
export function refusalError(refusal: Refusal, origin: Origin, redact: (text: string) => string): ConnectorError {
  const { status, headers, body } = refusal;
  const { code, message } = reasonOf(body);
  const category = categoryOf(status);
  const text = category === 'protocol' ? 'What answers there is not Pinecone.' : message;
  return new ConnectorError(category, origin, redact(text || `Pinecone answers with status ${status}.`), {
    httpStatus: status,
    retryAfterMs: retryAfterMsOf(headers['retry-after']),
    vendorCode: code,
  });
}

/** Whatever else came out of the SDK. */
export function pineconeError(error: unknown, origin: Origin, redact: (text: string) => string): ConnectorError {
  const known = connectorErrorIn(error) ?? networkError(error, origin);
  if (known) return known;
  const { name, message } = (unwrapped(error) ?? {}) as Partial<Error>;
  const details = { vendorCode: name, cause: error };
  switch (name) {
    case 'PineconeConfigurationError':
      return new ConnectorError('unauthenticated', origin, 'Pinecone takes no request without an API key.', details);
    case 'PineconeArgumentError':
      return new ConnectorError('invalid_argument', origin, redact(message ?? ''), details);
    // What the SDK throws when an answer is not JSON, or lacks what it reads.
    case 'SyntaxError':
    case 'TypeError':
      return new ConnectorError('protocol', origin, 'What answers there is not Pinecone.', details);
    default:
      return new ConnectorError('internal', origin, redact(message ?? 'Pinecone failed.'), details);
  }
}

/** Whether it is, or wraps, an answer of this HTTP status. */
export function hasStatus(error: unknown, status: number): boolean {
  return connectorErrorIn(error)?.httpStatus === status;
}

function connectorErrorIn(error: unknown): ConnectorError | undefined {
  const inner = unwrapped(error);
  return inner instanceof ConnectorError ? inner : undefined;
}

/** The SDK wraps what its `fetch`, or the reading of an answer, failed with. */
function unwrapped(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < CAUSES_MAX; depth++) {
    const { name, cause } = (current ?? {}) as Partial<Error>;
    if (name !== 'PineconeConnectionError' || cause === undefined) break;
    current = cause;
  }
  return current;
}

function categoryOf(status: number): Category {
  switch (status) {
    // Unpaid bills and quotas, which also come as 403: nothing that a repetition could mend.
    case 402:
      return 'permission_denied';
    case 412:
      return 'conflict';
    default:
      return categoryOfStatus(status);
  }
}

/** `{status, error:{code, message}}` of the control plane, `{code, message}` of the data plane, or plain text. */
function reasonOf(body: string): { code?: string; message: string } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { message: body };
  }
  if (typeof json !== 'object' || json === null) return { message: body };
  const inner = 'error' in json && typeof json.error === 'object' && json.error !== null ? json.error : json;
  const { code, message } = inner as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' || typeof code === 'number' ? String(code) : undefined,
    message: typeof message === 'string' ? message : body,
  };
}
