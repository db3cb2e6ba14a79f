import { hash } from 'node:crypto';
import { parseApiKey } from './api-key.ts';
import { type Peer, refused } from './authenticator.ts';
import { createNetworks, type Networks } from './networks.ts';
import type { Role } from './permissions.ts';
import type { Principal } from './principal.ts';

/** A key that identity has found good. */
export interface VerifiedApiKey {
  readonly id: string;
  readonly ownerId: string;
  readonly ownerRole: Role;
  /** What it may do at this moment: never more than its owner. */
  readonly permissions: ReadonlySet<string>;
  /** `servers/<id>` and `databases/<id>`; empty: all of the owner's. */
  readonly resources: readonly string[];
  /** Empty: from anywhere. */
  readonly cidrs: readonly string[];
  /** Calls a minute; 0: none of its own. */
  readonly rateLimit: number;
  /** How long this may be believed. */
  readonly cacheForMs: number;
}

/** Asks identity about a key: the one row, or UNAUTHENTICATED. */
export type LookUpApiKey = (key: string, peer: Peer, signal: AbortSignal) => Promise<VerifiedApiKey>;

/** Turns API keys into principals. */
export type VerifyApiKey = (key: string, peer: Peer, signal: AbortSignal) => Promise<Principal>;

/** See createApiKeyVerifier. */
export interface ApiKeyVerifierOptions {
  readonly lookUp: LookUpApiKey;
  /** How many keys are remembered. */
  readonly entriesMax?: number;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

interface Known {
  readonly principal: Principal;
  /** Undefined: from anywhere. */
  readonly networks: Networks | undefined;
  readonly untilMs: number;
}

/** Half of the second within which a revoked key is refused; the other half is for the question, and for streams. */
const CACHE_MS_MAX = 500;
const LOOK_UP_MS_MAX = 5_000;

/**
 * Verifies keys by asking identity, and believes an answer for at most half a second from the moment of the question:
 * that alone refuses a revoked key within a second, whatever connection is broken. A key with a wrong checksum is refused
 * without asking. Refusals are not remembered: whoever has a right key for tomorrow is not kept out by it.
 */
export function createApiKeyVerifier(options: ApiKeyVerifierOptions): VerifyApiKey {
  const { lookUp, entriesMax = 10_000, now = () => performance.now() } = options;
  const known = new Map<string, Known>();
  const asked = new Map<string, Promise<Known>>();

  const ask = async (key: string, digest: string, peer: Peer): Promise<Known> => {
    const askedAt = now();
    // Callers share the question; it is no single caller's to cancel.
    const found = await lookUp(key, peer, AbortSignal.timeout(LOOK_UP_MS_MAX));
    const fresh: Known = {
      principal: toPrincipal(found, key),
      networks: found.cidrs.length === 0 ? undefined : createNetworks(found.cidrs),
      untilMs: askedAt + Math.min(found.cacheForMs, CACHE_MS_MAX),
    };
    const oldest = known.size >= entriesMax ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    known.set(digest, fresh);
    return fresh;
  };

  return async (key, peer, signal) => {
    if (!parseApiKey(key)) throw refused('the API key is malformed');
    const digest = hash('sha256', key, 'base64');
    let entry = known.get(digest);
    if (!entry || entry.untilMs <= now()) {
      known.delete(digest);
      // Only callers from one address share: identity judges the address as well.
      const question = `${peer.address} ${digest}`;
      const answer = asked.get(question) ?? ask(key, digest, peer).finally(() => asked.delete(question));
      asked.set(question, answer);
      entry = await answer;
      signal.throwIfAborted();
    }
    if (entry.networks && !entry.networks.has(peer.address)) throw refused('the API key is not for this address');
    return entry.principal;
  };
}

function toPrincipal(
  { id, ownerId, ownerRole, permissions, resources, rateLimit }: VerifiedApiKey,
  credential: string,
): Principal {
  return {
    kind: 'api_key',
    userId: ownerId,
    role: ownerRole,
    permissions,
    keyId: id,
    ...(resources.length > 0 && { resources }),
    ...(rateLimit > 0 && { rateLimit }),
    credential,
  };
}
