import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { createAccessTokens } from './access-token.ts';
import { createRefreshTokens } from './refresh-token.ts';
import { generateSigningKeyPem, readSigningKey, SigningKeyError, signingKeyFromPem } from './signing-key.ts';

describe('access tokens', () => {
  it('verify against the published key and say who, until when and for whom', async () => {
    const key = signingKeyFromPem(generateSigningKeyPem());
    const subject = { userId: randomUUID(), sessionId: randomUUID(), role: 'USER' } as const;
    const token = await createAccessTokens({ key, ttlSeconds: 900, now: Date.now }).issue(subject);
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [{ ...key.publicJwk }] }));
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: key.publicJwk.kid });
    expect(payload).toMatchObject({ iss: 'morag', aud: 'morag', sub: subject.userId, sid: subject.sessionId, role: 'USER' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(900);
  });

  it('say clearly when the key file is not one', () => {
    expect(() => readSigningKey('/nonexistent/key.pem')).toThrow(SigningKeyError);
  });
});

describe('refresh tokens', () => {
  const tokens = createRefreshTokens(randomBytes(32));
  const claim = { sessionId: randomUUID(), generation: 7 };

  it('come back as they were made', () => {
    expect(tokens.decode(tokens.encode(claim))).toEqual(claim);
  });

  it('are refused when one character differs, or another key made them', () => {
    const token = tokens.encode(claim);
    const flipped = token.slice(0, 10) + (token[10] === 'A' ? 'B' : 'A') + token.slice(11);
    expect(tokens.decode(flipped)).toBeUndefined();
    expect(createRefreshTokens(randomBytes(32)).decode(token)).toBeUndefined();
    expect(tokens.decode('mrr_short')).toBeUndefined();
    expect(tokens.decode('')).toBeUndefined();
  });
});
