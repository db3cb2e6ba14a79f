import { AnswerRefused, EgressDenied } from '@morag/egress';
import type { Origin } from './calls.ts';
import { type Category, ConnectorError } from './connector.error.ts';

const TIMEOUT_CODES = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CRL_|HOSTNAME_MISMATCH)/;

/** True for what goes wrong before a TLS connection stands: no TLS spoken there, or a certificate that is not trusted. */
export function isTlsCode(code: string | undefined): boolean {
  return code !== undefined && TLS_CODE.test(code);
}

/** The innermost error that carries a code: SDKs and `fetch` wrap what the socket said. */
export function codedCause(error: unknown): (Error & { code: string }) | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth++) {
    if ('code' in current && typeof current.code === 'string' && 'message' in current) {
      return current as Error & { code: string };
    }
    current = 'errors' in current && Array.isArray(current.errors) ? current.errors[0] : (current as Error).cause;
  }
  return undefined;
}

/** What the socket, the resolver, TLS or the egress rules said, as a `ConnectorError`; undefined for other errors. */
export function networkError(error: unknown, origin: Origin): ConnectorError | undefined {
  const cause = codedCause(error);
  if (!cause) return undefined;
  const { code } = cause;
  const details = { vendorCode: code, cause: error };
  if (cause instanceof EgressDenied) return new ConnectorError('host_denied', origin, cause.message, details);
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new ConnectorError('protocol', origin, 'The answer is larger than the limit.', details);
  }
  if (cause instanceof AnswerRefused) return new ConnectorError('protocol', origin, cause.message, details);
  if (isTlsCode(code)) {
    // OpenSSL's own text for a mismatch is about its source files.
    const text = /^(?:ERR_SSL_|EPROTO$)/.test(code)
      ? 'the server does not speak it, or no common version.'
      : cause.message;
    return new ConnectorError('unavailable', origin, `TLS failed: ${text}`, { ...details, retryable: false });
  }
  const category = categoryOfCode(code);
  return category && new ConnectorError(category, origin, textOf(code, cause.message), details);
}

function categoryOfCode(code: string): Category | undefined {
  if (TIMEOUT_CODES.has(code)) return 'timeout';
  if (code.startsWith('HPE_')) return 'protocol';
  if (code.startsWith('UND_ERR_') || /^E[A-Z]{3,}/.test(code)) return 'unavailable';
  return undefined;
}

function textOf(code: string, message: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'Nothing listens at this host and port.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The host name is not known.';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'The server closed the connection.';
    default:
      return code.startsWith('HPE_') ? 'What answers there does not speak HTTP.' : `The connection failed: ${message}`;
  }
}

/** The category that an HTTP status means by itself. */
export function categoryOfStatus(status: number): Category {
  switch (status) {
    case 400:
    case 422:
      return 'invalid_argument';
    case 401:
      return 'unauthenticated';
    case 403:
      return 'permission_denied';
    case 404:
    case 410:
      return 'not_found';
    case 408:
    case 504:
      return 'timeout';
    case 409:
      return 'conflict';
    case 413:
      return 'payload_too_large';
    case 429:
      return 'rate_limited';
    case 501:
      return 'unsupported';
    case 502:
    case 503:
      return 'unavailable';
    default:
      return status >= 500 ? 'internal' : 'protocol';
  }
}

/** `Retry-After` in milliseconds: a number of seconds or a date. */
export function retryAfterMsOf(header: string | string[] | undefined, now = Date.now()): number | undefined {
  if (typeof header !== 'string') return undefined;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1000;
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms)) : undefined;
}
