import {
  type Category,
  ConnectorError,
  categoryOfStatus,
  networkError,
  type Origin,
  retryAfterMsOf,
} from '@morag/connectors-core';
import type { Answer } from '@morag/egress';

const CATEGORY_OF_NAME: Readonly<Record<string, Category>> = {
  ChromaValueError: 'invalid_argument',
  ChromaClientError: 'invalid_argument',
  ChromaQuotaExceededError: 'rate_limited',
  ChromaAuthError: 'unauthenticated',
  ChromaForbiddenError: 'permission_denied',
  ChromaNotFoundError: 'not_found',
  ChromaUniqueError: 'already_exists',
  ChromaRateLimitError: 'rate_limited',
  ChromaConnectionError: 'unavailable',
  ChromaServerError: 'internal',
  SyntaxError: 'protocol',
};

// The SDK's own words around the server's: `Bad request to http://… with status: `.
const PREFIX = /^Bad request to \S+ with status: /;

// What Chroma 1.5 answers to a query while the collection's very first record is being written; gone some 10 ms later.
const FIRST_WRITE = /hnsw segment reader: Nothing found on disk/;
const FIRST_WRITE_MS = 25;

/**
 * An error of the SDK as a `ConnectorError`. Its classes share no base, lose the status of most answers and the reason
 * of every failed connection, hence what was seen on the wire decides first.
 */
export function chromaError(
  error: unknown,
  origin: Origin,
  answer: Answer,
  redact: (text: string) => string,
): ConnectorError {
  const network = networkError(answer.error ?? error, origin);
  if (network) return network;
  const thrown = (error ?? {}) as { name?: string; message?: string };
  const { status } = answer;
  const refused = status !== undefined && status >= 400;
  const category = refused ? categoryOfStatus(status) : (CATEGORY_OF_NAME[thrown.name ?? ''] ?? 'internal');
  const text = category === 'protocol' ? 'What answers there is not Chroma.' : (thrown.message ?? 'Chroma failed.');
  const passing = FIRST_WRITE.test(text) ? { retryable: true, retryAfterMs: FIRST_WRITE_MS } : {};
  return new ConnectorError(category, origin, redact(text.replace(PREFIX, '')), {
    httpStatus: status,
    retryAfterMs: retryAfterMsOf(answer.headers?.['retry-after']),
    ...passing,
    vendorCode: thrown.name,
    cause: error,
  });
}
