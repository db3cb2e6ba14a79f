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
}

/** The one answer to every credential that is no good. Why it is not is for the log only. */
export function refused(detail: string, cause?: unknown): DomainError {
  return new DomainError('UNAUTHENTICATED', 'The credential is wrong, expired or revoked.', { detail, cause });
}
