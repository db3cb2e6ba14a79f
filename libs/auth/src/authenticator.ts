import { DomainError } from '@morag/errors';
import type { Principal } from './principal.ts';

/** Where a call comes from. */
export interface Peer {
  /** IP address of the caller. */
  readonly address: string;
}

/** Turns a credential (the part after `Bearer`, or an API key) into a principal, or throws UNAUTHENTICATED. */
export interface Authenticator {
  authenticate(credential: string, peer: Peer, signal: AbortSignal): Promise<Principal>;
  /**
   * Asked again and again while a stream of this principal's is open: resolves while the credential has not been revoked,
   * rejects with UNAUTHENTICATED once it has, with anything else when that is not known now. That an access token has
   * expired meanwhile does not end a stream. Without this method streams are not watched.
   */
  stillGood?(principal: Principal, peer: Peer, signal: AbortSignal): Promise<void>;
}

/** The one answer to every credential that is no good. Why it is not is for the log only. */
export function refused(detail: string, cause?: unknown): DomainError {
  return new DomainError('UNAUTHENTICATED', 'The credential is wrong, expired or revoked.', { detail, cause });
}
