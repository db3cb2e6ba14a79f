import { type Category, ConnectorError, networkError, type Origin } from '@morag/connectors-core';

/** PostgreSQL's codes, by the longest beginning that is listed. */
const CATEGORY_OF_SQLSTATE: Readonly<Record<string, Category>> = {
  '08': 'unavailable',
  '0A000': 'unsupported',
  '22': 'invalid_argument',
  '23505': 'already_exists',
  '25006': 'permission_denied',
  '28': 'unauthenticated',
  '3D000': 'not_found',
  '3F000': 'not_found',
  '40': 'conflict',
  '42': 'invalid_argument',
  '42501': 'permission_denied',
  '42704': 'unsupported',
  '42P01': 'not_found',
  '42P07': 'already_exists',
  '53': 'unavailable',
  '53300': 'rate_limited',
  '54': 'invalid_argument',
  '57014': 'timeout',
  '57P': 'unavailable',
  '58': 'internal',
};

/** Failures that the driver reports without a code, by their text. */
const CODELESS: readonly (readonly [RegExp, Category, string])[] = [
  [/^timeout expired|^timeout exceeded|^Query read timeout/, 'timeout', 'CONNECT_TIMEOUT'],
  [/does not support SSL|establishing an SSL connection/, 'unavailable', 'ERR_TLS_REFUSED'],
  [/Connection terminated|not queryable|Client has encountered a connection error/, 'unavailable', 'CONNECTION_LOST'],
  [/^SASL|password must be a string/, 'unauthenticated', 'SASL'],
];

/** An error of the driver or of the server as a `ConnectorError`. The server's `detail` may hold data: it is left out. */
export function pgvectorError(error: unknown, origin: Origin, redact: (text: string) => string): ConnectorError {
  const thrown = (error ?? {}) as { code?: unknown; message?: unknown; severity?: unknown };
  const text = redact(String(thrown.message ?? 'PostgreSQL failed.'));
  if (typeof thrown.code === 'string' && thrown.severity !== undefined) {
    const category = categoryOf(thrown.code);
    const retryable = category === 'conflict' ? true : undefined;
    return new ConnectorError(category, origin, text, { vendorCode: thrown.code, retryable, cause: error });
  }
  const network = networkError(error, origin);
  if (network) return network;
  for (const [pattern, category, vendorCode] of CODELESS) {
    if (!pattern.test(text)) continue;
    const retryable = vendorCode === 'ERR_TLS_REFUSED' ? false : undefined;
    return new ConnectorError(category, origin, text, { vendorCode, retryable, cause: error });
  }
  return new ConnectorError('internal', origin, text, { cause: error });
}

function categoryOf(sqlState: string): Category {
  for (let length = sqlState.length; length >= 2; length--) {
    const category = CATEGORY_OF_SQLSTATE[sqlState.slice(0, length)];
    if (category) return category;
  }
  return 'internal';
}
