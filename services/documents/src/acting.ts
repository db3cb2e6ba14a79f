import type { HandlerContext } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import { requestIdKey } from '@morag/rpc';
import type { Scope } from './modules/document/document.store.ts';
import type { Acting } from './servers/servers.port.ts';

/** Calls to other services are made with the caller's own credential. */
export function actingFor(context: HandlerContext): Acting {
  return { credential: requirePrincipal(context).credential, requestId: context.values.get(requestIdKey) };
}

/** Whose resources the caller sees. */
export function scopeOf(context: HandlerContext): Scope {
  return ownerScope(requirePrincipal(context));
}
