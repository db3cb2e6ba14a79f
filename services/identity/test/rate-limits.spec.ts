import { randomUUID } from 'node:crypto';
import { type CallOptions, type Client, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServiceTokens, SYSTEM_USER_ID, serviceTokenSecret } from '@morag/auth';
import { identityConfig } from '@morag/config';
import { loadRootKey } from '@morag/crypto';
import { reasonOf } from '@morag/errors';
import { RetryInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { createOrm, type Database } from '@morag/orm';
import { createLogger } from '@morag/telemetry';
import { buildIdentityService, type IdentityInstance, schema } from '../src/index.ts';
import { drawTokens, sweepBuckets } from '../src/modules/rate-limit/rate-bucket.store.ts';
import { type Harness, reasonFor, startIdentity } from './harness.ts';

const USER_LIMIT = 1_000;
const ADDRESS_LIMIT = 200;

let harness: Harness;
let second: IdentityInstance;
let started: number;

beforeAll(async () => {
  harness = await startIdentity({
    MORAG_RATE_LIMIT_USER_PER_MINUTE: String(USER_LIMIT),
    MORAG_RATE_LIMIT_ADDRESS_PER_MINUTE: String(ADDRESS_LIMIT),
  });
  const config = { ...identityConfig(harness.env), listen: { host: '127.0.0.1', port: 0 } };
  const logger = createLogger({ level: 'silent', service: 'identity' });
  second = await buildIdentityService(config, { logger, clients: harness.others });
  await second.start();
});
afterAll(async () => {
  await second.stop();
  await harness.close();
});

const auth = (transport: Transport): Client<typeof AuthService> => createClient(AuthService, transport);
/** One instance and the other, in turn. */
const instance = (turn: number) => auth(turn % 2 === 0 ? harness.transport : second.transport());

async function newKey(rateLimit: number): Promise<CallOptions> {
  const { as } = await harness.newUser();
  const keys = createClient(ApiKeyService, harness.transport);
  const { secret } = await keys.createApiKey({ apiKey: { name: randomUUID(), rateLimit } }, as);
  return { headers: { 'x-api-key': secret } };
}

/** How many of these calls, spread over both instances, were let in; the others were refused for their number. */
async function letIn(count: number, as: CallOptions): Promise<number> {
  const calls = Array.from({ length: count }, (_, at) => instance(at).listPermissions({}, as));
  const ends = await Promise.allSettled(calls);
  const refused = ends.filter((end) => end.status === 'rejected');
  expect(new Set(refused.map(({ reason }) => reasonOf(reason)))).toEqual(new Set(['RATE_LIMITED']));
  return count - refused.length;
}

/** Tokens that a bucket has got since. */
const refilled = (limit: number): number => Math.ceil(((performance.now() - started) * limit) / 60_000);

describe('a limit', () => {
  it('of a key holds for both instances together, to the call', async () => {
    const as = await newKey(40);
    started = performance.now();
    const granted = await letIn(100, as);
    expect(granted).toBeGreaterThanOrEqual(40);
    expect(granted).toBeLessThanOrEqual(40 + refilled(40));
  });

  it('of a user is exceeded by no more than a hundredth for each instance', async () => {
    const { as } = await harness.newUser();
    started = performance.now();
    let granted = 0;
    for (let block = 0; block < 15; block++) granted += await letInAny(100, as);
    expect(granted).toBeGreaterThanOrEqual(USER_LIMIT - 20);
    expect(granted).toBeLessThanOrEqual(USER_LIMIT + refilled(USER_LIMIT) + (2 * USER_LIMIT) / 100);
  });

  it('of a user counts the calls of all keys', async () => {
    const { as } = await harness.newUser();
    const keys = createClient(ApiKeyService, harness.transport);
    const names = [randomUUID(), randomUUID()];
    const made = await Promise.all(names.map((name) => keys.createApiKey({ apiKey: { name, rateLimit: 900 } }, as)));
    started = performance.now();
    let granted = 0;
    for (let block = 0; block < 8; block++) {
      for (const { secret } of made) granted += await letInAny(100, { headers: { 'x-api-key': secret } });
    }
    expect(granted).toBeLessThanOrEqual(USER_LIMIT + refilled(USER_LIMIT) + (2 * USER_LIMIT) / 100);
  });

  it('of an address is for calls without a good credential, and leaves the others alone', async () => {
    const at = '198.51.100.7';
    const { as } = await harness.newUser();
    const guess = { headers: { authorization: 'Bearer guess', 'x-forwarded-for': at } };
    started = performance.now();
    const ends = await Promise.all(
      Array.from({ length: ADDRESS_LIMIT + 100 }, () => reasonFor(instance(0).listPermissions({}, guess))),
    );
    const answered = ends.filter((reason) => reason === 'UNAUTHENTICATED').length;
    expect(answered).toBeLessThanOrEqual(ADDRESS_LIMIT + refilled(ADDRESS_LIMIT) + 2);
    expect(ends.filter((reason) => reason === 'RATE_LIMITED')).toHaveLength(ends.length - answered);
    const good = { headers: { ...(as.headers as Record<string, string>), 'x-forwarded-for': at } };
    expect((await auth(harness.transport).listPermissions({}, good)).permissions).not.toEqual([]);
    // A network of IPv6 is one address, and what needs no credential counts.
    started = performance.now();
    const asked = await Promise.all(
      Array.from({ length: ADDRESS_LIMIT + 100 }, (_, each) =>
        reasonFor(auth(harness.transport).getJwks({}, from(`2001:db8::${each.toString(16)}`))),
      ),
    );
    const told = asked.filter((reason) => reason === 'no error').length;
    expect(told).toBeLessThanOrEqual(ADDRESS_LIMIT + refilled(ADDRESS_LIMIT) + 2);
    expect(asked.filter((reason) => reason === 'RATE_LIMITED')).toHaveLength(asked.length - told);
  });

  it('is not for the services', async () => {
    const secret = serviceTokenSecret(await loadRootKey({ key: harness.env.MORAG_MASTER_KEY }));
    const issued = createServiceTokens({ service: 'servers', secret });
    const token = await issued.issue({ audience: 'identity', ownerId: SYSTEM_USER_ID, permissions: [] });
    let header: Headers | undefined;
    const as = { headers: { authorization: `Bearer ${token}` }, onHeader: (given: Headers) => void (header = given) };
    await auth(harness.transport).listPermissions({}, as);
    expect(header?.get('ratelimit')).toBeNull();
  });
});

describe('an answer', () => {
  it('says what is left, and a refusal when to come back', async () => {
    const as = await newKey(2);
    const headers: Headers[] = [];
    const call = () =>
      auth(harness.transport).listPermissions({}, { ...as, onHeader: (header) => headers.push(header) });
    await call();
    expect(headers[0]?.get('ratelimit-policy')).toBe('"key";q=2;w=60');
    expect(headers[0]?.get('ratelimit')).toMatch(/^"key";r=1;t=(29|30)$/);
    expect(headers[0]?.get('ratelimit-limit')).toBe('2');
    expect(headers[0]?.get('ratelimit-remaining')).toBe('1');
    await call();
    const error = ConnectError.from(await call().catch((refusal: unknown) => refusal));
    expect([reasonOf(error), error.rawMessage]).toEqual(['RATE_LIMITED', 'Too many calls; this key has 2 a minute.']);
    const delay = Number(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds);
    expect(delay).toBeGreaterThan(20);
    expect(delay).toBeLessThanOrEqual(30);
    expect(error.metadata.get('ratelimit-remaining')).toBe('0');
  });

  it('that is an error says it too', async () => {
    const { as } = await harness.newUser();
    const keys = createClient(ApiKeyService, harness.transport);
    const error = ConnectError.from(await keys.getApiKey({ apiKeyId: randomUUID() }, as).catch((e: unknown) => e));
    expect(reasonOf(error)).toBe('API_KEY_NOT_FOUND');
    expect(error.metadata.get('ratelimit-policy')).toBe(`"user";q=${USER_LIMIT};w=60`);
  });
});

describe('a bucket', () => {
  const draw = (bucket: string, used: number, wanted: number) =>
    drawTokens(orm, [{ bucket, limit: 100, used, wanted }]).then(([balance]) => balance);
  let orm: Database;
  beforeAll(async () => {
    const pool = { size: 1, overflow: 9 };
    orm = await createOrm({ ...schema, url: harness.env.MORAG_DATABASE_URL ?? '', service: 'test', pool });
  });
  afterAll(() => orm.close());

  it('gives what there is, in the order of the draws', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const balances = await drawTokens(orm, [
      { bucket: b, limit: 10, used: 4, wanted: 8 },
      { bucket: a, limit: 20, used: 0, wanted: 5 },
    ]);
    expect(balances.map(({ granted }) => granted)).toEqual([6, 5]);
  });

  it('gives no token twice, however many draw at once', async () => {
    const buckets = [randomUUID(), randomUUID(), randomUUID()];
    started = performance.now();
    const all = await Promise.all(
      Array.from({ length: 60 }, (_, n) => {
        const inTurn = n % 2 === 0 ? buckets : buckets.toReversed();
        return drawTokens(
          orm,
          inTurn.map((bucket) => ({ bucket, limit: 100, used: 0, wanted: 3 })),
        );
      }),
    );
    const granted = all.flat().reduce((sum, balance) => sum + balance.granted, 0);
    expect(granted).toBeGreaterThanOrEqual(300);
    expect(granted).toBeLessThanOrEqual(300 + 3 * refilled(100));
  });

  it('takes what was used as a debt, of a tenth at most', async () => {
    const bucket = randomUUID();
    expect(await draw(bucket, 1_000, 1)).toMatchObject({ granted: 0, tokens: -10 });
  });

  it('is swept away when it must be full', async () => {
    const [old, young] = [randomUUID(), randomUUID()];
    await draw(old, 1, 0);
    await draw(young, 1, 0);
    const long = `update identity.rate_buckets set updated_at = now() - interval '1 hour' where bucket = $1`;
    await orm.write(long, [old]);
    await sweepBuckets(orm);
    const left = await orm.read<{ bucket: string }>('select bucket from identity.rate_buckets where bucket = any($1)', [
      [old, young],
    ]);
    expect(left.map(({ bucket }) => bucket)).toEqual([young]);
  });
});

const from = (address: string): CallOptions => ({ headers: { 'x-forwarded-for': address } });

/** As letIn, where it may be that all are let in. */
async function letInAny(count: number, as: CallOptions): Promise<number> {
  const calls = Array.from({ length: count }, (_, at) => reasonFor(instance(at).listPermissions({}, as)));
  return (await Promise.all(calls)).filter((reason) => reason === 'no error').length;
}
