import { generateKeyPairSync } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { JwksSchema } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { fixedClock } from '@morag/testing';
import { createRemoteKeys, type KeySource } from './keys.ts';

const jwkOf = (kid: string) => {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', x, kid };
};
const { signal } = new AbortController();

let clock: ReturnType<typeof fixedClock>;
let published: ReturnType<typeof jwkOf>[];
let requests: number;
let fail: boolean;
let keys: KeySource;

beforeEach(() => {
  clock = fixedClock();
  published = [jwkOf('k1')];
  [requests, fail] = [0, false];
  keys = createRemoteKeys({
    now: clock.now,
    client: {
      async getJwks() {
        requests += 1;
        if (fail) throw new Error('away');
        return create(JwksSchema, { keys: published });
      },
    },
  });
});

const find = (kid: string) => keys.find(kid, signal);

describe('published keys', () => {
  it('are fetched once for many callers', async () => {
    const found = await Promise.all(Array.from({ length: 20 }, () => find('k1')));
    expect(found.every((key) => key?.asymmetricKeyType === 'ed25519')).toBe(true);
    expect([await find('k1'), requests]).toEqual([found[0], 1]);
  });

  it('are fetched again for an unknown id, but not at the rate that strangers invent them', async () => {
    await find('k1');
    published.push(jwkOf('k2'));
    expect(await find('k2')).toBeUndefined();
    clock.advance(5_001);
    expect(await find('k2')).toBeDefined();
    for (let n = 0; n < 50; n += 1) expect(await find(`invented ${n}`)).toBeUndefined();
    expect(requests).toBe(2);
  });

  it('go when they are withdrawn', async () => {
    await find('k1');
    published = [jwkOf('k2')];
    clock.advance(30_001);
    await find('k1');
    expect(await find('k1')).toBeUndefined();
    expect(await find('k2')).toBeDefined();
  });

  it('serve on while the identity service is away', async () => {
    await find('k1');
    fail = true;
    clock.advance(30_001);
    expect(await find('k1')).toBeDefined();
    clock.advance(5_001);
    await expect(find('k2')).rejects.toThrow('away');
    expect(await find('k1')).toBeDefined();
  });

  it('of another kind are ignored', async () => {
    published.push({ ...jwkOf('rsa'), kty: 'RSA' }, { ...jwkOf('x'), crv: 'X25519' });
    expect([await find('rsa'), await find('k1')]).toEqual([undefined, expect.anything()]);
  });

  it('are not waited for by a caller who has gone', async () => {
    await expect(keys.find('k1', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });
});
