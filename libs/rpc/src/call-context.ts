import { createContextKey } from '@connectrpc/connect';
import { uuidv7 } from './uuid.ts';

/** Header that names a call across services and in every answer. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** The request id of a call; empty only before the first interceptor has run. */
export const requestIdKey = createContextKey('', { description: 'request id' });

/** Address of the client: of the connection's other end, or, where that is trusted, the one it names. See clientAddress. */
export const peerAddressKey = createContextKey('127.0.0.1', { description: 'client address' });

/** Ends a streaming call from within: aborts its signal with an error, which its caller is told. */
export const endCallKey = createContextKey<((error: unknown) => void) | undefined>(undefined, {
  description: 'end of the call',
});

// Bounded and without control characters, because it is written to logs and headers as it came.
const WELL_FORMED = /^[\w.:/+=-]{1,128}$/;

/** The caller's request id when it is well-formed, else a new one. */
export function acceptRequestId(given: string | null): string {
  return given !== null && WELL_FORMED.test(given) ? given : uuidv7();
}
