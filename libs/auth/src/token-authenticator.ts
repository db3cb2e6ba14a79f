import { hash } from 'node:crypto';
import { DomainError } from '@morag/errors';
import { decodeProtectedHeader } from 'jose';
import { ACCESS_TOKEN_TYPE, verifyAccessToken } from './access-tokens.ts';
import { API_KEY_PREFIX } from './api-key.ts';
import type { VerifyApiKey } from './api-key-verifier.ts';
import { type Authenticator, refused } from './authenticator.ts';
import type { KeySource } from './keys.ts';
import type { Principal } from './principal.ts';
import type { IssuedToken, RevocationFeed } from './revocation-list.ts';
import { SERVICE_TOKEN_TYPE, verifyServiceToken } from './service-tokens.ts';

/** See createTokenAuthenticator. */
export interface TokenAuthenticatorOptions {
  /** The service that authenticates: service tokens for another one are refused. */
  readonly service: string;
  readonly keys: KeySource;
  readonly revocations: RevocationFeed;
  /** See serviceTokenSecret. */
  readonly serviceSecret: Uint8Array;
  /** Verifies API keys (`mrg_…`); without it they are refused. */
  readonly verifyApiKey?: VerifyApiKey;
  /** How many verified tokens are remembered. */
  readonly cacheEntriesMax?: number;
  readonly now?: () => number;
}

interface Verified {
  readonly principal: Principal;
  readonly expiresAtMs: number;
  /** Of access tokens, which can end before their time; service tokens live too shortly for that. */
  readonly access?: Access;
}

/** By what an access token is judged at each use. */
interface Access {
  readonly issued: IssuedToken;
  /** The key that signed it. */
  readonly kid: string;
}

/** Longer than any token of ours; nothing larger is parsed. */
const CREDENTIAL_CHARS_MAX = 4_096;

/** Header members by which a token would choose its own key, or ask for semantics we do not have. */
const REFUSED_HEADERS = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64', 'zip'] as const;

/**
 * Verifies users' access tokens offline against published keys and the revocation feed, and service tokens against the
 * shared secret. A token that was verified is remembered by its SHA-256 until it expires; whether it was revoked, or its
 * key withdrawn, is asked each time.
 */
export function createTokenAuthenticator(options: TokenAuthenticatorOptions): Authenticator {
  const { verifyApiKey, cacheEntriesMax = 10_000, now = Date.now } = options;
  const cache = new Map<string, Verified>();
  // For streams, which outlive their entry in the cache.
  const accessOf = new WeakMap<Principal, Access>();

  const recall = (digest: string): Verified | undefined => {
    const found = cache.get(digest);
    if (!found || found.expiresAtMs > now()) return found;
    cache.delete(digest);
    return undefined;
  };
  const remember = (digest: string, verified: Verified): void => {
    const oldest = cache.size >= cacheEntriesMax ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(digest, verified);
    if (verified.access) accessOf.set(verified.principal, verified.access);
  };

  return {
    async authenticate(credential, peer, signal) {
      if (credential.startsWith(API_KEY_PREFIX)) {
        if (!verifyApiKey) throw refused('nobody here verifies API keys');
        return verifyApiKey(credential, peer, signal);
      }
      const digest = hash('sha256', credential, 'base64');
      let verified = recall(digest);
      if (!verified) {
        verified = await verify(credential, options, now(), signal);
        remember(digest, verified);
      }
      if (verified.access) await demandInForce(verified.access, options, signal);
      return verified.principal;
    },
    async stillGood(principal, peer, signal) {
      if (principal.kind === 'api_key') await verifyApiKey?.(principal.credential, peer, signal);
      const access = accessOf.get(principal);
      if (access) await demandInForce(access, options, signal);
    },
  };
}

async function demandInForce(
  { issued, kid }: Access,
  { keys, revocations }: TokenAuthenticatorOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!(await keys.find(kid, signal))) throw refused('the key of the token was withdrawn');
  if (revocations.isRevoked(issued)) throw refused('the token was revoked');
  if (!revocations.isFresh()) {
    throw new DomainError('UNAVAILABLE', 'Credentials cannot be checked right now; try again.', {
      retryAfterMs: 1_000,
      detail: 'the revocation feed is stale',
    });
  }
}

async function verify(
  token: string,
  options: TokenAuthenticatorOptions,
  nowMs: number,
  signal: AbortSignal,
): Promise<Verified> {
  const { typ, kid } = headerOf(token);
  if (typ === ACCESS_TOKEN_TYPE) return verifyUser(token, kid, options, nowMs, signal);
  if (typ === SERVICE_TOKEN_TYPE) return verifyService(token, options, nowMs);
  throw refused('the token is of an unknown type');
}

/** The unverified header, read only to choose how to verify. */
function headerOf(token: string): { typ: string | undefined; kid: string | undefined } {
  if (token.length > CREDENTIAL_CHARS_MAX) throw refused('the token is too long');
  try {
    const header = decodeProtectedHeader(token);
    if (REFUSED_HEADERS.some((name) => name in header)) throw new Error('the header carries a key or an extension');
    return { typ: header.typ, kid: header.kid };
  } catch (error) {
    throw refused('the token is malformed', error);
  }
}

async function verifyUser(
  token: string,
  kid: string | undefined,
  { keys }: TokenAuthenticatorOptions,
  nowMs: number,
  signal: AbortSignal,
): Promise<Verified> {
  const key = kid === undefined ? undefined : await keys.find(kid, signal);
  if (kid === undefined || !key) throw refused('the token names no published key');
  const claims = await verifyAccessToken(token, key, nowMs).catch((error: unknown) => {
    throw refused('the access token does not verify', error);
  });
  const { userId, sessionId, role, permissions, issuedAtMs, expiresAtMs } = claims;
  return {
    principal: { kind: 'user', userId, role, permissions, sessionId, credential: token },
    expiresAtMs,
    access: { issued: { userId, sessionId, issuedAtMs }, kid },
  };
}

async function verifyService(
  token: string,
  { serviceSecret, service }: TokenAuthenticatorOptions,
  nowMs: number,
): Promise<Verified> {
  const claims = await verifyServiceToken(token, serviceSecret, service, nowMs).catch((error: unknown) => {
    throw refused('the service token does not verify', error);
  });
  const { ownerId, permissions, resources, expiresAtMs } = claims;
  return {
    principal: {
      kind: 'service',
      userId: ownerId,
      role: 'USER',
      permissions,
      service: claims.service,
      ...(resources && { resources }),
      credential: token,
    },
    expiresAtMs,
  };
}
