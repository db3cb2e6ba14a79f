import { type ContextKey, type ContextValues, createContextKey } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';
import type { Permission, Role } from './permissions.ts';

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
  /** Of an API key, or of a service that acts for one: what it is limited to (`databases/<id>`); absent: to nothing. */
  readonly resources?: readonly string[];
  /** Of an API key that has a limit of its own: calls a minute. */
  readonly rateLimit?: number;
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

/** Whose rows a caller sees, and which of them. */
export interface OwnerScope {
  /** Absent: everybody's. */
  readonly ownerId?: string;
  /** Absent: all servers. */
  readonly serverIds?: readonly string[];
  /** Absent: all databases, and what is in none. */
  readonly databaseIds?: readonly string[];
}

/**
 * Whose rows the caller sees: an administrator everybody's (no `ownerId`), anyone else their own, and a key that is limited
 * to resources these alone. A service token never carries more than its user's view.
 */
export function ownerScope(principal: Principal): OwnerScope {
  const { kind, role, userId: ownerId, resources } = principal;
  if (kind === 'user' && role === 'ADMIN') return {};
  if (!resources) return { ownerId };
  const idsOf = (noun: string): string[] =>
    resources.filter((name) => name.startsWith(noun)).map((name) => name.slice(noun.length));
  return { ownerId, serverIds: idsOf('servers/'), databaseIds: idsOf('databases/') };
}

/** Whether a row lies in a list of a scope; without a list every row does. */
export function isWithin(ids: readonly string[] | undefined, id: string | null | undefined): boolean {
  return ids === undefined || (typeof id === 'string' && ids.includes(id));
}

/** Refuses a caller that is limited to resources which exist: what it made anew it could not see. */
export function requireUnlimited(principal: Principal, permission: Permission): void {
  if (!principal.resources) return;
  throw new DomainError('PERMISSION_DENIED', 'A key that is limited to resources makes no new ones.', {
    metadata: { permission },
  });
}
