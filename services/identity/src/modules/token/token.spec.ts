import { createPublicKey, generateKeyPairSync, randomBytes, randomUUID, sign, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createRefreshTokens } from './refresh-token.ts';
import {
  promoteSigningKey,
  publishSigningKey,
  readSigningKeys,
  retireSigningKey,
  signingStage,
} from './signing-file.ts';
import { generateSigningKeyPem, SigningKeyError, signingKeyFromPem } from './signing-key.ts';
import { openSigningKeys } from './signing-keys.ts';

describe('the signing key', () => {
  it('publishes what verifies its signatures, under an id that follows from it', () => {
    const pem = generateSigningKeyPem();
    const { privateKey, publicJwk } = signingKeyFromPem(pem);
    const signature = sign(null, Buffer.from('text'), privateKey);
    const publicKey = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
    expect(verify(null, Buffer.from('text'), publicKey, signature)).toBe(true);
    expect(signingKeyFromPem(pem).publicJwk.kid).toBe(publicJwk.kid);
  });

  it('says clearly when the file is not one', async () => {
    const options = { ttlSeconds: 60, now: Date.now, onProblem: () => {} };
    await expect(openSigningKeys('/nonexistent/key.pem', options)).rejects.toThrow(SigningKeyError);
    expect(() => readSigningKeys('nothing')).toThrow(SigningKeyError);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const foreign = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => readSigningKeys(foreign)).toThrow('must be an Ed25519 key');
  });
});

describe('the file of the signing key', () => {
  const pem = generateSigningKeyPem();
  const kidsOf = (text: string) => readSigningKeys(text).map(({ publicJwk }) => publicJwk.kid);

  it('tells at every stage which key signs, which others verify, and what is to be done next', () => {
    const [old] = kidsOf(pem);
    expect(signingStage(pem)).toEqual({ stage: 'NONE' });
    const published = publishSigningKey(pem);
    const next = kidsOf(published)[1];
    expect([signingStage(published), kidsOf(published)]).toEqual([{ stage: 'PUBLISHED' }, [old, next]]);
    const until = new Date('2031-01-02T03:04:05.678Z');
    const promoted = promoteSigningKey(published, until);
    expect([signingStage(promoted), kidsOf(promoted)]).toEqual([{ stage: 'SIGNS', until }, [next, old]]);
    const retired = retireSigningKey(promoted);
    expect([signingStage(retired), kidsOf(retired)]).toEqual([{ stage: 'NONE' }, [next]]);
    expect(new Set([old, next]).size).toBe(2);
  });

  it('goes through the stages in their order alone', () => {
    const published = publishSigningKey(pem);
    const promoted = promoteSigningKey(published, new Date());
    for (const text of [pem, promoted]) expect(() => promoteSigningKey(text, new Date())).toThrow(SigningKeyError);
    for (const text of [pem, published]) expect(() => retireSigningKey(text)).toThrow(SigningKeyError);
  });

  it('may hold keys that somebody put there, which no rotation touches', () => {
    const byHand = pem + generateSigningKeyPem();
    expect(kidsOf(byHand)).toHaveLength(2);
    expect(() => signingStage(byHand)).toThrow('which no rotation put there');
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
