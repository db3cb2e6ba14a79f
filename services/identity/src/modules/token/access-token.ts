import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { SigningKey } from './signing-key.ts';

/** Who a token speaks for. */
export interface AccessTokenSubject {
  readonly userId: string;
  readonly sessionId: string;
  readonly role: 'ADMIN' | 'USER' | 'VIEWER';
}

/** Makes access tokens: JWTs as RFC 9068 has them (`typ` `at+jwt`), signed with EdDSA, verified offline by every service. */
export interface AccessTokens {
  readonly ttlSeconds: number;
  issue(subject: AccessTokenSubject): Promise<string>;
}

/** `now` gives milliseconds since 1970. */
export function createAccessTokens({
  key,
  ttlSeconds,
  now,
}: {
  key: SigningKey;
  ttlSeconds: number;
  now: () => number;
}): AccessTokens {
  return {
    ttlSeconds,
    issue({ userId, sessionId, role }) {
      const issuedAt = Math.floor(now() / 1000);
      return new SignJWT({ sid: sessionId, role })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: key.publicJwk.kid })
        .setIssuer('morag')
        .setAudience('morag')
        .setSubject(userId)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttlSeconds)
        .sign(key.privateKey);
    },
  };
}
