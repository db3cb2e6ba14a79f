import { createPublicKey, randomBytes, randomUUID, sign, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createRefreshTokens } from './refresh-token.ts';
import { generateSigningKeyPem, readSigningKey, SigningKeyError, signingKeyFromPem } from './signing-key.ts';

describe('the signing key', () => {
  it('publishes what verifies its signatures, under an id that follows from it', () => {
    const pem = generateSigningKeyPem();
    const { privateKey, publicJwk } = signingKeyFromPem(pem);
    const signature = sign(null, Buffer.from('text'), privateKey);
    const publicKey = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
    expect(verify(null, Buffer.from('text'), publicKey, signature)).toBe(true);
    expect(signingKeyFromPem(pem).publicJwk.kid).toBe(publicJwk.kid);
  });

  it('says clearly when the file is not one', () => {
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
