import type { HandlerContext } from '@connectrpc/connect';
import { type OwnerScope, ownerScope, type Permission, requirePrincipal, type ServiceTokens } from '@morag/auth';
import { requestIdKey } from '@morag/rpc';
import type { Acting } from './servers/servers.port.ts';

/** How a call's own calls are made. */
export type ActingFor = (context: HandlerContext) => Promise<Acting>;

/** What search and upload do at the servers service. */
const PERMISSIONS: readonly Permission[] = ['databases:read', 'records:read'];

/**
 * Calls to other services are made with the caller's own credential. For an API key this service acts for its owner
 * instead, within the key's resources: a key that may search need not be allowed to read records, and its addresses have
 * been judged here.
 */
export function createActingFor(tokens: ServiceTokens): ActingFor {
  return async (context) => {
    const { kind, userId: ownerId, resources, credential } = requirePrincipal(context);
    const requestId = context.values.get(requestIdKey);
    if (kind !== 'api_key') return { credential, requestId };
    const token = await tokens.issue({ audience: 'servers', ownerId, permissions: PERMISSIONS, resources });
    return { credential: token, requestId };
  };
}

/** Whose resources the caller sees. */
export function scopeOf(context: HandlerContext): OwnerScope {
  return ownerScope(requirePrincipal(context));
}
