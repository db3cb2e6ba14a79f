import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Client } from '@connectrpc/connect';
import type { AuthService, Jwk } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';

/** The public keys that access tokens are verified with. */
export interface KeySource {
  /** The Ed25519 key of this id, or undefined when there is none. */
  find(kid: string, signal: AbortSignal): Promise<KeyObject | undefined>;
}

/** See createRemoteKeys. */
export interface RemoteKeysOptions {
  readonly client: Pick<Client<typeof AuthService>, 'getJwks'>;
  /** A key is used no longer than this without asking again, so that a withdrawn one goes. */
  readonly ageMsMax?: number;
  /** Unknown key ids, which anybody can invent, cause at most one request in this time. */
  readonly cooldownMs?: number;
  readonly now?: () => number;
}

const FETCH_TIMEOUT_MS = 5_000;

/** A key that is published is known everywhere after this time, at the first token that names it. */
export const KEYS_COOLDOWN_MS = 5_000;

/** Keys fetched from the identity service: once, then when they are old or when a token names an unknown one. */
export function createRemoteKeys({
  client,
  ageMsMax = 30_000,
  cooldownMs = KEYS_COOLDOWN_MS,
  now = Date.now,
}: RemoteKeysOptions): KeySource {
  let keys: ReadonlyMap<string, KeyObject> = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let underway: Promise<void> | undefined;

  const fetchKeys = async (): Promise<void> => {
    triedAt = now();
    const response = await client.getJwks({}, { timeoutMs: FETCH_TIMEOUT_MS });
    keys = new Map(response.keys.filter(isOurs).map((jwk) => [jwk.kid, toKey(jwk)]));
    fetchedAt = now();
  };
  // Callers share one request; it is no single caller's to cancel.
  const refresh = (): Promise<void> => {
    underway ??= fetchKeys().finally(() => {
      underway = undefined;
    });
    return underway;
  };

  return {
    async find(kid, signal) {
      const known = keys.get(kid);
      const mayAsk = underway !== undefined || now() - triedAt > cooldownMs;
      // A known key serves on while its successor is fetched; when that fails, the revocation feed is stale before long.
      if (known && mayAsk && now() - fetchedAt > ageMsMax) refresh().catch(() => {});
      if (!known && mayAsk) await abortable(refresh(), signal);
      return keys.get(kid);
    },
  };
}

/** Keys at hand: the identity service's own, or a test's. */
export function createLocalKeys(jwks: () => readonly Pick<Jwk, 'kty' | 'crv' | 'x' | 'kid'>[]): KeySource {
  // The same object for the same key: jose keeps what it prepared for verifying by the object's identity.
  const made = new Map<string, KeyObject>();
  return {
    async find(kid) {
      const jwk = jwks().find((candidate) => candidate.kid === kid);
      if (!jwk) return undefined;
      const key = made.get(jwk.x) ?? toKey(jwk);
      made.set(jwk.x, key);
      return key;
    },
  };
}

function isOurs({ kty, crv, kid }: Jwk): boolean {
  return kty === 'OKP' && crv === 'Ed25519' && kid !== '';
}

function toKey({ kty, crv, x }: Pick<Jwk, 'kty' | 'crv' | 'x'>): KeyObject {
  return createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
