import { type ContextValues, createContextKey } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';

/** Who makes a call. */
export interface Principal {
  readonly kind: 'user' | 'service' | 'api_key';
  /** The owner of everything the call touches; for a service token, the user it acts for. */
  readonly userId: string;
  readonly role: 'ADMIN' | 'USER' | 'VIEWER';
  readonly sessionId?: string;
  /** Name of the calling service, for service tokens. */
  readonly service?: string;
  readonly keyId?: string;
  readonly permissions: ReadonlySet<string>;
  /** Ids of the resources the credential is for; absent means all of the owner's. */
  readonly resources?: readonly string[];
  /** The raw credential, to forward to other services. Never logged. */
  readonly credential: string;
}

/** Turns a credential into a principal, or rejects with UNAUTHENTICATED. */
export interface Authenticator {
  authenticate(credential: string, peer: { readonly address: string }, signal: AbortSignal): Promise<Principal>;
}

/** The caller of the running call; undefined for public methods. */
export const principalKey = createContextKey<Principal | undefined>(undefined, { description: 'principal' });

/** The caller, for handlers of methods that are not public. */
export function requirePrincipal(context: { readonly values: ContextValues }): Principal {
  const principal = context.values.get(principalKey);
  if (principal === undefined) throw new DomainError('UNAUTHENTICATED', 'This call needs a credential.');
  return principal;
}
