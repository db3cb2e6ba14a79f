import { createContextKey } from '@connectrpc/connect';
import { uuidv7 } from './uuid.ts';

/** Header that names a call across services and in every answer. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** The request id of a call; empty only before the first interceptor has run. */
export const requestIdKey = createContextKey('', { description: 'request id' });

/** Address of the caller's end of the connection; calls in process come from loopback. */
export const peerAddressKey = createContextKey('127.0.0.1', { description: 'peer address' });

// Bounded and without control characters, because it is written to logs and headers as it came.
const WELL_FORMED = /^[\w.:/+=-]{1,128}$/;

/** The caller's request id when it is well-formed, else a new one. */
export function acceptRequestId(given: string | null): string {
  return given !== null && WELL_FORMED.test(given) ? given : uuidv7();
}
