import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { fixedClock } from '@morag/testing';
import { newApiKey, parseApiKey, publicPart } from './api-key.ts';
import { createApiKeyVerifier, type VerifiedApiKey, type VerifyApiKey } from './api-key-verifier.ts';
import { refused } from './authenticator.ts';
import { createNetworks } from './networks.ts';

describe('an API key', () => {
  const id = randomUUID();
  const { key, secretHash } = newApiKey(id);

  it('has the documented form, and gives back its id and the hash of its secret', () => {
    expect(key).toMatch(/^mrg_[0-9a-f]{32}_[0-9A-Za-z]{49}$/);
    expect(key.startsWith(publicPart(id))).toBe(true);
    expect(parseApiKey(key)).toEqual({ id, secretHash });
  });

  it('is told from a mistyped one wherever one character differs', () => {
    for (let at = 0; at < key.length; at += 1) {
      const other = key[at] === 'a' ? 'b' : 'a';
      expect(parseApiKey(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined();
    }
    for (const text of ['', 'mrg_', `${key}0`, ` ${key}`, key.toUpperCase()]) expect(parseApiKey(text)).toBeUndefined();
  });

  it('is another one each time', () => {
    expect(newApiKey(id).key).not.toBe(key);
  });
});

describe('networks', () => {
  it.each([
    [['10.0.0.0/8'], '10.1.2.3', true],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['192.0.2.1/32', 'fd00::/8'], 'fd12::1', true],
    [['fd00::/8'], '192.0.2.1', false],
    [['0.0.0.0/0'], 'no address', false],
    [['0.0.0.0/0'], '', false],
  ])('%j have %s: %s', (cidrs, address, expected) => {
    expect(createNetworks(cidrs).has(address)).toBe(expected);
  });
});

describe('verifying', () => {
  const peer = { address: '192.0.2.1' };
  const { signal } = new AbortController();
  const id = randomUUID();
  const { key } = newApiKey(id);
  let clock: ReturnType<typeof fixedClock>;
  let answer: VerifiedApiKey | Error;
  let questions: number;
  let verify: VerifyApiKey;

  const good: VerifiedApiKey = {
    id,
    ownerId: 'u1',
    ownerRole: 'USER',
    permissions: new Set(['records:read']),
    resources: ['databases/d1'],
    cidrs: ['192.0.2.0/24'],
    rateLimit: 60,
    cacheForMs: 5_000,
  };

  beforeEach(() => {
    clock = fixedClock();
    [answer, questions] = [good, 0];
    verify = createApiKeyVerifier({
      now: clock.now,
      entriesMax: 2,
      async lookUp() {
        questions += 1;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
  });

  const reasonFor = (given = key, address = peer.address) =>
    verify(given, { address }, signal).then(
      () => 'no error',
      (error: unknown) => reasonOf(error),
    );

  it('asks once for many callers, and believes the answer for half a second at most', async () => {
    const found = await Promise.all(Array.from({ length: 20 }, () => verify(key, peer, signal)));
    expect(found[0]).toEqual({
      kind: 'api_key',
      userId: 'u1',
      role: 'USER',
      keyId: id,
      permissions: new Set(['records:read']),
      resources: ['databases/d1'],
      rateLimit: 60,
      credential: key,
    });
    clock.advance(499);
    await verify(key, peer, signal);
    expect(questions).toBe(1);
    answer = refused('revoked');
    clock.advance(1);
    expect([await reasonFor(), questions]).toEqual(['UNAUTHENTICATED', 2]);
  });

  it('refuses another address, also of a key that is remembered', async () => {
    expect(await reasonFor(key, '192.0.3.1')).toBe('UNAUTHENTICATED');
    await verify(key, peer, signal);
    expect(await reasonFor(key, '192.0.3.1')).toBe('UNAUTHENTICATED');
  });

  it('does not ask about what is no key', async () => {
    expect(await reasonFor(`${key.slice(0, -1)}?`)).toBe('UNAUTHENTICATED');
    expect(questions).toBe(0);
  });

  it('remembers no refusal, and no more keys than it may', async () => {
    answer = refused('unknown');
    expect(await reasonFor()).toBe('UNAUTHENTICATED');
    answer = good;
    expect(await reasonFor()).toBe('no error');
    for (let n = 0; n < 3; n += 1) await reasonFor(newApiKey(randomUUID()).key);
    expect(questions).toBe(5);
    await reasonFor();
    expect(questions).toBe(6);
  });
});
