import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { fixedClock } from '@morag/testing';
import { type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { createAccessTokens } from './access-tokens.ts';
import type { Authenticator } from './authenticator.ts';
import { createLocalKeys } from './keys.ts';
import { permissionsOf } from './permissions.ts';
import { RevocationList } from './revocation-list.ts';
import { createServiceTokens } from './service-tokens.ts';
import { createTokenAuthenticator } from './token-authenticator.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const jwk = publicKey.export({ format: 'jwk' });
const published = { kty: 'OKP', crv: 'Ed25519', x: jwk.x ?? '', kid: 'k1' };
const keys = createLocalKeys(() => (withdrawn ? [] : [published]));
const secret = Buffer.alloc(32, 'service-secret');
const claims = { userId: 'u1', sessionId: 's1', role: 'USER' } as const;
const peer = { address: '127.0.0.1' };
const { signal } = new AbortController();

let clock: ReturnType<typeof fixedClock>;
let list: RevocationList;
let fresh: boolean;
let withdrawn: boolean;
let authenticator: Authenticator;

beforeEach(() => {
  clock = fixedClock();
  list = new RevocationList();
  [fresh, withdrawn] = [true, false];
  authenticator = createTokenAuthenticator({
    service: 'servers',
    keys,
    revocations: { isRevoked: (token) => list.has(token), isFresh: () => fresh },
    serviceSecret: secret,
    now: clock.now,
  });
});

const authenticate = (credential: string) => authenticator.authenticate(credential, peer, signal);
const issue = (): Promise<string> =>
  createAccessTokens({ privateKey, kid: 'k1', ttlSeconds: 900, now: clock.now }).issue(claims);

async function expectRefused(credential: string): Promise<void> {
  const error: unknown = await authenticate(credential).catch((reason: unknown) => reason);
  expect(reasonOf(error)).toBe('UNAUTHENTICATED');
  expect(error).toHaveProperty('message', 'The credential is wrong, expired or revoked.');
}

describe("a user's token", () => {
  it('says who calls, with the permissions of the role', async () => {
    const token = await issue();
    expect(await authenticate(token)).toEqual({
      kind: 'user',
      userId: 'u1',
      sessionId: 's1',
      role: 'USER',
      permissions: permissionsOf('USER'),
      credential: token,
    });
  });

  it('is verified once, and refused when it expires', async () => {
    const token = await issue();
    expect(await authenticate(token)).toBe(await authenticate(token));
    clock.advance(899_000);
    expect(await authenticate(token)).toMatchObject({ userId: 'u1' });
    clock.advance(1_001);
    await expectRefused(token);
  });

  it.each([
    ['its session', { userId: 'u1', sessionId: 's1' }],
    ['its user', { userId: 'u1', sessionId: '' }],
  ])('is refused once %s is revoked, although it was verified before', async (_, subject) => {
    const token = await issue();
    await authenticate(token);
    list.add({ ...subject, notAfterMs: clock.now(), expireMs: clock.now() + 900_000 });
    await expectRefused(token);
    clock.advance(1);
    expect(await authenticate(await issue())).toMatchObject({ userId: 'u1' });
  });

  it('is refused once its key is withdrawn, although it was verified before; its open streams too', async () => {
    const token = await issue();
    const principal = await authenticate(token);
    withdrawn = true;
    await expectRefused(token);
    const error: unknown = await authenticator.stillGood?.(principal, peer, signal).catch((reason: unknown) => reason);
    expect(reasonOf(error)).toBe('UNAUTHENTICATED');
  });

  it('is not refused for what happened to others', async () => {
    const revoked = { notAfterMs: clock.now(), expireMs: clock.now() + 900_000 };
    list.add({ userId: 'u2', sessionId: '', ...revoked });
    list.add({ userId: 'u1', sessionId: 's2', ...revoked });
    expect(await authenticate(await issue())).toMatchObject({ userId: 'u1' });
  });

  it('is not accepted while revocations are unknown', async () => {
    fresh = false;
    const error: unknown = await authenticate(await issue()).catch((reason: unknown) => reason);
    expect(reasonOf(error)).toBe('UNAVAILABLE');
  });
});

describe('a forged token', () => {
  const payload = (): JWTPayload => ({
    iss: 'morag',
    aud: 'morag',
    sub: 'u1',
    sid: 's1',
    role: 'ADMIN',
    jti: 'j1',
    iat: Math.floor(clock.now() / 1000),
    exp: Math.floor(clock.now() / 1000) + 900,
  });
  const header: JWTHeaderParameters = { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' };
  const sign = (
    changes: { header?: Record<string, unknown>; payload?: JWTPayload } = {},
    key: KeyObject | Uint8Array = privateKey,
  ): Promise<string> =>
    new SignJWT({ ...payload(), ...changes.payload }).setProtectedHeader({ ...header, ...changes.header }).sign(key);
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('would be accepted if it were not forged', async () => {
    expect(await authenticate(await sign())).toMatchObject({ role: 'ADMIN' });
  });

  it('without a signature is refused', async () => {
    for (const alg of ['none', 'None', '']) {
      await expectRefused(`${encode({ ...header, alg })}.${encode(payload())}.`);
    }
  });

  it('signed by HS256 with the public key is refused', async () => {
    const signed = `${encode({ ...header, alg: 'HS256' })}.${encode(payload())}`;
    for (const text of [jwk.x ?? '', publicKey.export({ format: 'pem', type: 'spki' }).toString()]) {
      await expectRefused(`${signed}.${createHmac('sha256', text).update(signed).digest('base64url')}`);
    }
  });

  it('signed by another key is refused, also when it brings that key', async () => {
    const other = generateKeyPairSync('ed25519');
    const own = other.publicKey.export({ format: 'jwk' });
    await expectRefused(await sign({}, other.privateKey));
    await expectRefused(await sign({ header: { jwk: own } }, other.privateKey));
    await expectRefused(await sign({ header: { kid: 'k2' } }, other.privateKey));
  });

  it.each([
    ['jwk', { jwk }],
    ['jku', { jku: 'https://evil.example/jwks.json' }],
    ['x5u', { x5u: 'https://evil.example/cert.pem' }],
    ['x5c', { x5c: ['AAAA'] }],
  ])('that names keys by %s is refused, even with a good signature', async (_, extra) => {
    await expectRefused(await sign({ header: extra }));
  });

  it.each<[string, { header?: Record<string, unknown>; payload?: JWTPayload }]>([
    ['of another issuer', { payload: { iss: 'other' } }],
    ['for another audience', { payload: { aud: 'other' } }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['without a type', { header: { typ: undefined } }],
    ['that poses as a service', { header: { typ: 'svc+jwt' } }],
    ['without a key id', { header: { kid: undefined } }],
    ['without an expiry', { payload: { exp: undefined } }],
    ['without a session', { payload: { sid: undefined } }],
    ['without an id', { payload: { jti: undefined } }],
    ['without a subject', { payload: { sub: undefined } }],
    ['of an unknown role', { payload: { role: 'ROOT' } }],
    ['not valid yet', { payload: { nbf: 4_000_000_000 } }],
  ])('%s is refused', async (_, changes) => {
    await expectRefused(await sign(changes));
  });

  it.each(['', 'x', 'a.b.c', '..', 'e30.e30.e30', `${'a'.repeat(5_000)}.a.a`, 'mrg_abc_def'])(
    '%p is refused',
    async (text) => {
      await expectRefused(text);
    },
  );
});

describe("a service's token", () => {
  const tokens = () => createServiceTokens({ service: 'documents', secret, now: clock.now });
  const spec = { audience: 'servers', ownerId: 'u1', permissions: ['records:write'] } as const;

  it('acts for its owner, with the permissions it names and no more', async () => {
    const token = await tokens().issue(spec);
    expect(await authenticate(token)).toEqual({
      kind: 'service',
      service: 'documents',
      userId: 'u1',
      role: 'USER',
      permissions: new Set(['records:write']),
      credential: token,
    });
  });

  it('does not depend on revocations', async () => {
    fresh = false;
    expect(await authenticate(await tokens().issue(spec))).toMatchObject({ kind: 'service' });
  });

  it('is refused when it is for another service, expired, or of another installation', async () => {
    await expectRefused(await tokens().issue({ ...spec, audience: 'identity' }));
    const token = await tokens().issue({ ...spec, ttlSeconds: 10 });
    clock.advance(10_001);
    await expectRefused(token);
    const foreign = createServiceTokens({ service: 'documents', secret: Buffer.alloc(32, 'x'), now: clock.now });
    await expectRefused(await foreign.issue(spec));
  });

  it('cannot be made to live longer than five minutes', async () => {
    await expect(tokens().issue({ ...spec, ttlSeconds: 301 })).rejects.toThrow('at most 300 s');
    const iat = Math.floor(clock.now() / 1000) - 301;
    const old = await new SignJWT({ permissions: [], iat, exp: iat + 9_999, iss: 'x', aud: 'servers', sub: 'u1' })
      .setProtectedHeader({ alg: 'HS256', typ: 'svc+jwt' })
      .sign(secret);
    await expectRefused(old);
  });

  it('is refused when it poses as a user', async () => {
    const now = Math.floor(clock.now() / 1000);
    const posing = await new SignJWT({
      iss: 'morag',
      aud: 'morag',
      sub: 'u1',
      sid: 's',
      role: 'ADMIN',
      jti: 'j',
      iat: now,
      exp: now + 60,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' })
      .sign(secret);
    await expectRefused(posing);
  });

  it('is refused with a permission that does not exist', async () => {
    const now = Math.floor(clock.now() / 1000);
    const token = await new SignJWT({
      permissions: ['everything:*'],
      iss: 'documents',
      aud: 'servers',
      sub: 'u1',
      iat: now,
      exp: now + 60,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'svc+jwt' })
      .sign(secret);
    await expectRefused(token);
  });
});

it('hands API keys to their verifier, untouched', async () => {
  const seen: string[] = [];
  const withKeys = createTokenAuthenticator({
    service: 'servers',
    keys,
    revocations: { isRevoked: () => false, isFresh: () => false },
    serviceSecret: secret,
    async verifyApiKey(key, { address }) {
      seen.push(key, address);
      return { kind: 'api_key', userId: 'u1', role: 'USER', permissions: new Set(), keyId: 'k', credential: key };
    },
  });
  expect(await withKeys.authenticate('mrg_a_b', peer, signal)).toMatchObject({ kind: 'api_key' });
  expect(seen).toEqual(['mrg_a_b', '127.0.0.1']);
});
