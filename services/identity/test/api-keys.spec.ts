import { randomUUID } from 'node:crypto';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type CallOptions, type Client, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServiceTokens, newApiKey, parseApiKey, SYSTEM_USER_ID, serviceTokenSecret } from '@morag/auth';
import { loadRootKey } from '@morag/crypto';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { User_UserRole } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { eventually } from '@morag/testing';
import { type Harness, reasonFor, startIdentity } from './harness.ts';

type Person = Awaited<ReturnType<Harness['newUser']>>;

let harness: Harness;
let keys: Client<typeof ApiKeyService>;
let auth: Client<typeof AuthService>;
let users: Client<typeof UserService>;
let admin: CallOptions;
let internal: CallOptions;

beforeAll(async () => {
  harness = await startIdentity();
  keys = createClient(ApiKeyService, harness.transport);
  auth = createClient(AuthService, harness.transport);
  users = createClient(UserService, harness.transport);
  const { email, password } = harness.administrator;
  admin = (await harness.signIn(email, password)).as;
  const secret = serviceTokenSecret(await loadRootKey({ key: harness.env.MORAG_MASTER_KEY }));
  const tokens = createServiceTokens({ service: 'servers', secret });
  const token = await tokens.issue({
    audience: 'identity',
    ownerId: SYSTEM_USER_ID,
    permissions: [],
    ttlSeconds: 300,
  });
  internal = { headers: { authorization: `Bearer ${token}` } };
});
afterAll(() => harness.close());

const by = (key: string, address = '127.0.0.1'): CallOptions => ({
  headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': address },
});

async function make(person: Person, spec: Record<string, unknown> = {}) {
  const apiKey = { name: randomUUID(), permissions: ['keys:read'], ...spec };
  const { apiKey: made, secret } = await keys.createApiKey({ apiKey }, person.as);
  return { id: made?.id ?? '', secret, made };
}

const permissionsBy = async (options: CallOptions) => (await auth.listPermissions({}, options)).permissions;

describe('a key', () => {
  it('is shown once, and does what it was given, by either header', async () => {
    const person = await harness.newUser();
    const { id, secret, made } = await make(person, { permissions: ['keys:read', 'records:read'], description: 'd' });
    expect(parseApiKey(secret)?.id).toBe(id);
    expect(made).toMatchObject({ ownerId: person.userId, description: 'd', prefix: secret.slice(0, 36) });
    expect(await permissionsBy(by(secret))).toEqual(['keys:read', 'records:read']);
    expect(await permissionsBy({ headers: { 'x-api-key': secret } })).toEqual(['keys:read', 'records:read']);
    const { apiKeys } = await keys.listApiKeys({}, by(secret));
    expect(apiKeys.map((key) => key.id)).toEqual([id]);
    expect(JSON.stringify(apiKeys, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
      secret.slice(40),
    );
  });

  it('can do no more than its owner, at that moment', async () => {
    const person = await harness.newUser();
    expect(await reasonFor(make(person, { permissions: ['users:read'] }))).toBe('PERMISSION_DENIED');
    expect(await reasonFor(make(person, { permissions: ['servers:all'] }))).toBe('INVALID_ARGUMENT');
    const { secret } = await make(person, { permissions: ['keys:read', 'keys:write'] });
    await users.updateUser({ userId: person.userId, user: { role: User_UserRole.VIEWER } }, admin);
    await eventually(async () => expect(await permissionsBy(by(secret))).toEqual(['keys:read']));
    await users.updateUser({ userId: person.userId, user: { disabled: true } }, admin);
    await eventually(async () => expect(await reasonFor(permissionsBy(by(secret)))).toBe('UNAUTHENTICATED'));
    const enabled = { user: { disabled: false }, updateMask: { paths: ['disabled'] } };
    await users.updateUser({ userId: person.userId, ...enabled }, admin);
    await eventually(async () => expect(await permissionsBy(by(secret))).toEqual(['keys:read']));
    await users.deleteUser({ userId: person.userId }, admin);
    await eventually(async () => expect(await reasonFor(permissionsBy(by(secret)))).toBe('UNAUTHENTICATED'));
  });

  it('makes and changes no keys, and is kept out of what is for people', async () => {
    const person = await harness.newUser();
    const { id, secret } = await make(person, { permissions: ['keys:read', 'keys:write'] });
    const denied = [
      keys.createApiKey({ apiKey: { name: 'child' } }, by(secret)),
      keys.updateApiKey({ apiKeyId: id, apiKey: { cidrs: [] }, updateMask: { paths: ['cidrs'] } }, by(secret)),
      keys.rotateApiKey({ apiKeyId: id }, by(secret)),
      users.deleteUser({ userId: 'me' }, by(secret)),
      users.updateUser({ userId: 'me', user: { email: 'a@b.org' } }, by(secret)),
      auth.logout({ all: true }, by(secret)),
    ];
    expect(await Promise.all(denied.map(reasonFor))).toEqual(Array(6).fill('PERMISSION_DENIED'));
    expect((await users.getUser({ userId: 'me' }, by(secret))).id).toBe(person.userId);
    expect((await keys.revokeApiKey({ apiKeyId: id }, by(secret))).revokeTime).toBeDefined();
  });

  it('that is limited has only permissions that its resources narrow', async () => {
    const person = await harness.newUser();
    const resources = [`databases/${randomUUID()}`];
    expect(await reasonFor(make(person, { resources }))).toBe('INVALID_ARGUMENT');
    const { secret } = await make(person, { resources, permissions: ['documents:search'] });
    expect(await permissionsBy(by(secret))).toEqual(['documents:search']);
    expect(await reasonFor(make(person, { resources: ['databases/-'], permissions: [] }))).toBe('INVALID_ARGUMENT');
  });

  it('works from its addresses alone', async () => {
    const { secret } = await make(await harness.newUser(), { cidrs: ['10.0.0.0/8', 'fd00::/8'] });
    for (const address of ['10.1.2.3', 'fd00::7']) expect(await permissionsBy(by(secret, address))).toHaveLength(1);
    for (const address of ['127.0.0.1', '11.0.0.1', 'fe80::1']) {
      expect(await reasonFor(permissionsBy(by(secret, address)))).toBe('UNAUTHENTICATED');
    }
  });

  it('ends when it expires, and is not made for the past', async () => {
    const person = await harness.newUser();
    expect(await reasonFor(make(person, { expireTime: timestampFromMs(Date.now() - 1) }))).toBe('INVALID_ARGUMENT');
    const { secret } = await make(person, { expireTime: timestampFromMs(Date.now() + 5_000) });
    expect(await permissionsBy(by(secret))).toHaveLength(1);
    await eventually(async () => expect(await reasonFor(permissionsBy(by(secret)))).toBe('UNAUTHENTICATED'));
  });

  it('has a name of its own among those in force, also of twenty at once', async () => {
    const person = await harness.newUser();
    const made = await Promise.all(Array.from({ length: 20 }, () => reasonFor(make(person, { name: 'same' }))));
    expect(made.filter((reason) => reason === 'no error')).toHaveLength(1);
    expect(made.filter((reason) => reason === 'ALREADY_EXISTS')).toHaveLength(19);
    const { apiKeys } = await keys.listApiKeys({ filter: 'name = "same"' }, person.as);
    await keys.revokeApiKey({ apiKeyId: apiKeys[0]?.id }, person.as);
    await make(person, { name: 'same' });
  });

  it('is its owner’s alone, but an administrator may end it', async () => {
    const [one, two] = await Promise.all([harness.newUser(), harness.newUser()]);
    const { id, secret } = await make(one);
    const theirs = [
      keys.getApiKey({ apiKeyId: id }, two.as),
      keys.updateApiKey({ apiKeyId: id, apiKey: { name: 'x' } }, two.as),
      keys.rotateApiKey({ apiKeyId: id }, two.as),
      keys.rotateApiKey({ apiKeyId: id }, admin),
      keys.revokeApiKey({ apiKeyId: id }, two.as),
      keys.listApiKeyUsage({ apiKeyId: id }, two.as),
    ];
    expect(await Promise.all(theirs.map(reasonFor))).toEqual(Array(6).fill('API_KEY_NOT_FOUND'));
    await keys.revokeApiKey({ apiKeyId: id }, admin);
    await eventually(async () => expect(await reasonFor(permissionsBy(by(secret)))).toBe('UNAUTHENTICATED'));
  });

  it('changes what an update names, and tells of an old etag', async () => {
    const person = await harness.newUser();
    const { id, made } = await make(person, { cidrs: ['10.0.0.0/8'], description: 'first' });
    const changed = await keys.updateApiKey({ apiKeyId: id, apiKey: { description: 'second' } }, person.as);
    expect(changed).toMatchObject({ description: 'second', cidrs: ['10.0.0.0/8'], permissions: ['keys:read'] });
    const stale = { apiKeyId: id, apiKey: { description: 'third', etag: made?.etag } };
    expect(await reasonFor(keys.updateApiKey(stale, person.as))).toBe('ETAG_MISMATCH');
  });
});

describe('a revoked key', () => {
  it('is refused soon', async () => {
    const person = await harness.newUser();
    const { id, secret } = await make(person);
    await permissionsBy(by(secret));
    const revokedAt = performance.now();
    await keys.revokeApiKey({ apiKeyId: id }, person.as);
    await eventually(async () => expect(await reasonFor(permissionsBy(by(secret)))).toBe('UNAUTHENTICATED'));
    // A second is promised, and measured by P3 of the benchmarks; here other tests may have the cores.
    expect(performance.now() - revokedAt).toBeLessThan(5_000);
    expect(await reasonFor(keys.rotateApiKey({ apiKeyId: id }, person.as))).toBe('API_KEY_NOT_FOUND');
    expect((await keys.revokeApiKey({ apiKeyId: id }, person.as)).revokeTime).toBeDefined();
  });

  it('looks like one that is wrong, unknown, expired, or never was', async () => {
    const person = await harness.newUser();
    const { id, secret } = await make(person);
    await keys.revokeApiKey({ apiKeyId: id }, person.as);
    const other = await make(person, { name: 'another' });
    const bad = [secret, newApiKey(other.id).key, newApiKey(randomUUID()).key, `${secret.slice(0, -1)}_`, 'mrg_'];
    await eventually(async () => expect(await reasonFor(permissionsBy(by(secret)))).toBe('UNAUTHENTICATED'));
    const answers = await Promise.all(
      bad.map((key) => permissionsBy(by(key)).catch((error: unknown) => ConnectError.from(error).message)),
    );
    expect(new Set(answers).size).toBe(1);
    const verify = (key: string) => keys.verifyApiKey({ key, address: '127.0.0.1' }, internal);
    expect(new Set(await Promise.all(bad.map((key) => reasonFor(verify(key)))))).toEqual(new Set(['UNAUTHENTICATED']));
  });
});

describe('a rotated key', () => {
  it('has a new secret, and the old one works on as long as it should', async () => {
    const person = await harness.newUser();
    const { id, secret } = await make(person);
    const second = await keys.rotateApiKey({ apiKeyId: id, overlap: { seconds: 3_600n } }, person.as);
    for (const key of [secret, second.secret]) expect(await permissionsBy(by(key))).toHaveLength(1);
    const third = await keys.rotateApiKey({ apiKeyId: id }, person.as);
    expect(await permissionsBy(by(third.secret))).toHaveLength(1);
    for (const key of [secret, second.secret]) {
      await eventually(async () => expect(await reasonFor(permissionsBy(by(key)))).toBe('UNAUTHENTICATED'));
    }
  });
});

describe('the usage of a key', () => {
  const usageOf = async (id: string, person: Person) =>
    (await keys.listApiKeyUsage({ apiKeyId: id }, person.as)).usage.map(({ method, calls, errors, outcomes }) => ({
      method: method.split('/')[1],
      calls: Number(calls),
      errors: Number(errors),
      outcomes: Object.fromEntries(Object.entries(outcomes).map(([name, count]) => [name, Number(count)])),
    }));

  it('is exact, with what ended badly, when and where from', async () => {
    const person = await harness.newUser();
    const { id, secret } = await make(person);
    await Promise.all(Array.from({ length: 30 }, () => keys.listApiKeys({}, by(secret, '192.0.2.7'))));
    await Promise.all(Array.from({ length: 5 }, () => reasonFor(users.listUsers({}, by(secret, '192.0.2.7')))));
    await eventually(async () =>
      expect(await usageOf(id, person)).toEqual([
        { method: 'ListUsers', calls: 5, errors: 5, outcomes: { PERMISSION_DENIED: 5 } },
        { method: 'ListApiKeys', calls: 30, errors: 0, outcomes: { OK: 30 } },
      ]),
    );
    const key = await keys.getApiKey({ apiKeyId: id }, person.as);
    expect(key.lastUseAddress).toBe('192.0.2.7');
    expect(key.lastUseTime).toBeDefined();
  });

  it('counts a batch once, however often and however many at once it comes', async () => {
    const person = await harness.newUser();
    const { id } = await make(person);
    const count = { apiKeyId: id, method: 'a.B/C', day: '2026-11-22', outcome: 'OK', calls: 7n };
    const gone = { ...count, apiKeyId: randomUUID() };
    const batch = { batchId: randomUUID(), counts: [count, gone] };
    await Promise.all(Array.from({ length: 20 }, () => keys.recordApiKeyUsage(batch, internal)));
    await Promise.all(
      Array.from({ length: 20 }, () => keys.recordApiKeyUsage({ batchId: randomUUID(), counts: [count] }, internal)),
    );
    expect((await usageOf(id, person))[0]?.calls).toBe(7 + 20 * 7);
  });

  it('comes page by page', async () => {
    const person = await harness.newUser();
    const { id } = await make(person);
    const counts = ['2026-11-20', '2026-11-21', '2026-11-22'].flatMap((day) =>
      ['a.B/C', 'a.B/D'].map((method) => ({ apiKeyId: id, method, day, outcome: 'OK', calls: 1n })),
    );
    await keys.recordApiKeyUsage({ batchId: randomUUID(), counts }, internal);
    const seen: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await keys.listApiKeyUsage({ apiKeyId: id, pageSize: 4, pageToken }, person.as);
      seen.push(...page.usage.map(({ day, method }) => `${day} ${method}`));
      if ((pageToken = page.nextPageToken) === '') break;
    }
    expect(seen).toEqual(counts.map(({ day, method }) => `${day} ${method}`).reverse());
  });
});
