import type { KeyObject } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { isRole, permissionsOf, type Role } from './permissions.ts';

/** Header type of a user's access token (RFC 9068). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

const ISSUER = 'morag';
const AUDIENCE = 'morag';
const ALGORITHM = 'EdDSA';

/** What an access token says. */
export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly role: Role;
}

/** Issues access tokens; the identity service alone holds one. */
export interface AccessTokens {
  /** `atMs`, now unless given, is what revocations are compared with. */
  issue(claims: AccessClaims, atMs?: number): Promise<string>;
}

/** See createAccessTokens. */
export interface AccessTokensOptions {
  /** Ed25519. */
  readonly privateKey: KeyObject;
  /** Id under which the public half is published. */
  readonly kid: string;
  readonly ttlSeconds: number;
  readonly now?: () => number;
}

/** Issues tokens as `verifyAccessToken` expects them. */
export function createAccessTokens({ privateKey, kid, ttlSeconds, now = Date.now }: AccessTokensOptions): AccessTokens {
  return {
    issue({ userId, sessionId, role }, atMs = now()) {
      // With milliseconds: a log-in right after a revocation must not look as old as what was revoked.
      const issuedAt = atMs / 1000;
      return new SignJWT({ sid: sessionId, role })
        .setProtectedHeader({ alg: ALGORITHM, typ: ACCESS_TOKEN_TYPE, kid })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(userId)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(Math.floor(issuedAt + ttlSeconds))
        .sign(privateKey);
    },
  };
}

/** A verified access token. */
export interface VerifiedAccess extends AccessClaims {
  readonly permissions: ReadonlySet<string>;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Checks signature, algorithm, type, issuer, audience, times and claims; throws for anything amiss. */
export async function verifyAccessToken(token: string, key: KeyObject, nowMs: number): Promise<VerifiedAccess> {
  const { payload } = await jwtVerify(token, key, {
    algorithms: [ALGORITHM],
    typ: ACCESS_TOKEN_TYPE,
    issuer: ISSUER,
    audience: AUDIENCE,
    requiredClaims: ['sub', 'sid', 'role', 'jti', 'iat', 'exp'],
    currentDate: new Date(nowMs),
  });
  const { sub, sid, role, iat, exp } = payload;
  if (!sub || typeof sid !== 'string' || !isRole(role) || iat === undefined || exp === undefined) {
    throw new Error('a claim has the wrong type');
  }
  return {
    userId: sub,
    sessionId: sid,
    role,
    permissions: permissionsOf(role),
    issuedAtMs: Math.round(iat * 1000),
    expiresAtMs: exp * 1000,
  };
}
