import { type ContextKey, type ContextValues, createContextKey } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';
import type { Role } from './permissions.ts';

/** Who calls, as proved by the credential and by nothing else. */
export interface Principal {
  readonly kind: 'user' | 'service' | 'api_key';
  /** The user, the owner of the key, or the user for whom a service acts. */
  readonly userId: string;
  readonly role: Role;
  readonly permissions: ReadonlySet<string>;
  /** Of a user: the session of the access token. */
  readonly sessionId?: string;
  /** Of a service: its name. */
  readonly service?: string;
  /** Of an API key: its id. */
  readonly keyId?: string;
  /** Of an API key: what it is restricted to (`databases/<id>`); absent: everything its owner has. */
  readonly resources?: readonly string[];
  /** The credential itself, to forward on calls made for the caller. Never logged. */
  readonly credential: string;
}

/** Where the authentication interceptor leaves the caller for handlers; undefined in public methods. */
export const principalKey: ContextKey<Principal | undefined> = createContextKey<Principal | undefined>(undefined, {
  description: 'caller',
});

/** The caller of this call. Throws UNAUTHENTICATED where there is none. */
export function requirePrincipal(context: { readonly values: ContextValues }): Principal {
  const principal = context.values.get(principalKey);
  if (!principal) throw new DomainError('UNAUTHENTICATED', 'This call needs a credential.');
  return principal;
}

/**
 * Whose rows the caller sees: an administrator everybody's (no `ownerId`), anyone else their own. A service token never
 * carries more than its user's view.
 */
export function ownerScope(principal: Principal): { readonly ownerId?: string } {
  return principal.kind === 'user' && principal.role === 'ADMIN' ? {} : { ownerId: principal.userId };
}
