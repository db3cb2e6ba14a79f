import type { CallOptions, HandlerContext } from '@connectrpc/connect';
import { principalKey } from '@morag/auth';
import { peerAddressKey, REQUEST_ID_HEADER, requestIdKey } from '../call-context.ts';

/** Who calls on whose behalf, and under which request id. */
export interface Forwarded {
  readonly credential?: string;
  readonly requestId?: string;
  /** Of the client; the callee believes it from peers that it trusts. */
  readonly address?: string;
}

/** Headers with which one service calls another for a user: the user's own credential and the same request id. */
export function forwardHeaders({ credential, requestId, address }: Forwarded): Headers {
  const headers = new Headers();
  if (credential) headers.set('authorization', `Bearer ${credential}`);
  if (requestId) headers.set(REQUEST_ID_HEADER, requestId);
  if (address) headers.set('x-forwarded-for', address);
  return headers;
}

/** Options for a call made while handling another: its credential, request id, signal and what is left of its deadline. */
export function callOptions(
  context: Pick<HandlerContext, 'values' | 'signal' | 'timeoutMs'>,
): Required<Pick<CallOptions, 'headers' | 'signal'>> & Pick<CallOptions, 'timeoutMs'> {
  const left = context.timeoutMs();
  const { values, signal } = context;
  const headers = forwardHeaders({
    credential: values.get(principalKey)?.credential,
    requestId: values.get(requestIdKey),
    address: values.get(peerAddressKey),
  });
  // Zero would mean "no deadline" to the client; a deadline that has passed aborts the signal anyway.
  return { headers, signal, timeoutMs: left === undefined ? undefined : Math.max(1, Math.ceil(left)) };
}
