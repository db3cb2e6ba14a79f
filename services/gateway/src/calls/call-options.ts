import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '@morag/errors';
import { REQUEST_ID_HEADER } from '@morag/rpc';
import { type HeaderCarrier, injectTrace } from '@morag/telemetry';

/** What of an HTTP request goes along with the call, beside its message. */
export interface Caller {
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** Of the other end of the connection. */
  readonly address: string;
}

/**
 * Headers of the call. The credential goes through unread: the service behind checks it. The address is for its log and for
 * rate limits, and never says who calls.
 */
export function callHeaders({ headers, requestId, address }: Caller): Record<string, string> {
  const forwarded: Record<string, string> = { [REQUEST_ID_HEADER]: requestId, 'x-forwarded-for': address };
  const authorization = authorizationOf(headers);
  if (authorization !== undefined) forwarded.authorization = authorization;
  for (const name of ['user-agent', 'traceparent', 'tracestate'] as const) {
    const value = headers[name];
    if (typeof value === 'string') forwarded[name] = value;
  }
  injectTrace({
    get: (name) => forwarded[name] ?? null,
    set: (name, value) => void (forwarded[name] = value),
    keys: () => Object.keys(forwarded),
  });
  return forwarded;
}

/** The headers of a request, as a span reads its parent from them. */
export function traceOf(headers: IncomingHttpHeaders): HeaderCarrier {
  return {
    get: (name) => {
      const value = headers[name];
      return typeof value === 'string' ? value : null;
    },
    set: () => {},
    keys: () => Object.keys(headers),
  };
}

const API_KEY = /^[\x21-\x7e]{1,256}$/;

/** An API key is a bearer token to the services; two credentials in one request would leave open whose it is. */
function authorizationOf({ authorization, 'x-api-key': key }: IncomingHttpHeaders): string | undefined {
  if (key === undefined) return authorization;
  if (authorization !== undefined) {
    throw invalidHeader('X-API-Key', 'cannot be given together with Authorization');
  }
  if (typeof key !== 'string' || !API_KEY.test(key)) throw invalidHeader('X-API-Key', 'is not an API key');
  return `Bearer ${key}`;
}

const SECONDS = /^\d{1,3}(\.\d{1,3})?$/;
const DEADLINE_SECONDS_MAX = 600;

/** The deadline that the header `Request-Timeout` gives, in milliseconds; undefined without one. */
export function deadlineMs({ 'request-timeout': header }: IncomingHttpHeaders): number | undefined {
  if (header === undefined) return undefined;
  const seconds = typeof header === 'string' && SECONDS.test(header) ? Number(header) : Number.NaN;
  if (!(seconds > 0 && seconds <= DEADLINE_SECONDS_MAX)) {
    throw invalidHeader('Request-Timeout', `must be seconds, above 0 and at most ${DEADLINE_SECONDS_MAX}`);
  }
  return seconds * 1000;
}

function invalidHeader(field: string, description: string): DomainError {
  return new DomainError('INVALID_ARGUMENT', `${field} ${description}.`, { violations: [{ field, description }] });
}
