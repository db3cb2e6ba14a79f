import { randomUUID } from 'node:crypto';
import { type CallOptions, createClient, type Transport } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { identityConfig } from '@morag/config';
import { reasonOf } from '@morag/errors';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { User_UserRole } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { createLogger } from '@morag/telemetry';
import { countEnds, endOf, eventually } from '@morag/testing';
import { buildIdentityService, type IdentityInstance } from '../src/index.ts';
import { type Harness, startIdentity } from './harness.ts';

const CALLERS = 100;

/** A revoked key is refused everywhere this soon: a second where nothing else has the cores. */
const REVOKED_MS_MAX = 3_000;

/** What is to be taken from a hundred who use it without a pause is taken by then. */
const TAKEN_MS_MAX = 20_000;

/** The other instance looks for revocations every half second; the rest is for a machine that is busy. */
const HEARD_OF = { timeoutMs: 5_000 };

let harness: Harness;
let second: IdentityInstance;
let transports: readonly [Transport, Transport];
let admin: CallOptions;

beforeAll(async () => {
  harness = await startIdentity();
  const config = { ...identityConfig(harness.env), listen: { host: '127.0.0.1', port: 0 } };
  const logger = createLogger({ level: 'silent', service: 'identity' });
  second = await buildIdentityService(config, { logger, clients: harness.others });
  await second.start();
  transports = [harness.transport, second.transport()];
  const { email, password } = harness.administrator;
  admin = (await harness.signIn(email, password)).as;
});
afterAll(async () => {
  await second.stop();
  await harness.close();
});

/** Calls so many times at once, every other time through the other instance; how many calls ended how. */
const race = (times: number, call: (through: Transport, n: number) => Promise<unknown>) =>
  countEnds(
    Array.from({ length: times }, (_, n) => () => call(transports[n % 2] as Transport, n)),
    reasonOf,
  );

describe('of a hundred at once on two instances', () => {
  it('one gets an address by registering, whatever its case', async () => {
    const email = `${randomUUID()}@example.org`;
    const counts = await race(CALLERS, (through, n) => {
      const user = { name: 'n', email: n % 3 ? email : email.toUpperCase(), password: 'a good long one' };
      return createClient(AuthService, through).register(user);
    });
    expect(counts).toEqual({ OK: 1, EMAIL_EXISTS: CALLERS - 1 });
  }, 60_000);

  it('one gets an address by changing to it', async () => {
    const people = await Promise.all(Array.from({ length: 10 }, () => harness.newUser()));
    const email = `${randomUUID()}@example.org`;
    const counts = await race(CALLERS, (through, n) => {
      const userId = people[n % people.length]?.userId ?? '';
      return createClient(UserService, through).updateUser({ userId, user: { email } }, admin);
    });
    // Each of the ten asks ten times; the one who has it keeps it.
    expect(counts).toEqual({ OK: CALLERS / 10, EMAIL_EXISTS: (CALLERS * 9) / 10 });
    const { users } = await createClient(UserService, harness.transport).listUsers(
      { filter: `email = "${email}"` },
      admin,
    );
    expect(users).toHaveLength(1);
  }, 60_000);

  it('one makes a key of a name', async () => {
    const person = await harness.newUser();
    const apiKey = { name: 'same', permissions: ['keys:read'] };
    const counts = await race(CALLERS, (through) =>
      createClient(ApiKeyService, through).createApiKey({ apiKey }, person.as),
    );
    expect(counts).toEqual({ OK: 1, ALREADY_EXISTS: CALLERS - 1 });
  }, 60_000);

  it('one of fifty refreshes with a token, and the session has ended for that one too', async () => {
    const { refreshToken, as } = await harness.newUser();
    let won = '';
    const counts = await race(50, async (through) => {
      won = (await createClient(AuthService, through).refresh({ refreshToken })).refreshToken;
    });
    expect(counts.OK).toBe(1);
    expect((counts.REFRESH_TOKEN_REUSED ?? 0) + (counts.UNAUTHENTICATED ?? 0)).toBe(49);
    const after = await race(2, (through) => createClient(AuthService, through).refresh({ refreshToken: won }));
    expect(after).toEqual({ UNAUTHENTICATED: 2 });
    const me = () => race(2, (through) => createClient(UserService, through).getUser({ userId: 'me' }, as));
    await eventually(async () => expect(await me()).toEqual({ UNAUTHENTICATED: 2 }), HEARD_OF);
  }, 60_000);
});

it('the last administrators cannot demote each other, however often two try on two instances', async () => {
  const { id } = await createClient(UserService, harness.transport).getUser({ userId: 'me' }, admin);
  const other = await harness.newUser();
  const setRole = (userId: string, role: User_UserRole, as: CallOptions, through: Transport) =>
    createClient(UserService, through).updateUser({ userId, user: { role } }, as);
  await setRole(other.userId, User_UserRole.ADMIN, admin, harness.transport);
  const { as } = await harness.signIn(other.email, other.password);
  const counts = await race(CALLERS, (through, n) =>
    n % 4 < 2
      ? setRole(other.userId, User_UserRole.USER, admin, through)
      : setRole(id, User_UserRole.USER, as, through),
  );
  // Whoever is first stays: all of its calls pass, as the later ones change nothing, and none of the other's.
  expect(counts.OK).toBe(CALLERS / 2);
  const administratorsSeenBy = (who: CallOptions) =>
    createClient(UserService, harness.transport)
      .listUsers({ filter: 'role = "ADMIN"' }, who)
      .then(
        ({ users }) => users.length,
        (error: unknown) => reasonOf(error),
      );
  await eventually(async () => {
    const seen = await Promise.all([admin, as].map(administratorsSeenBy));
    expect(seen).toContain(1);
    expect(seen).toContain('UNAUTHENTICATED');
  }, HEARD_OF);
}, 60_000);

/**
 * A hundred callers who use something until they are refused, on both instances; it is taken from them once one has had
 * it. How they were refused, and who still got something later than the answer to that allows.
 */
async function useUntilTaken(
  use: (through: Transport, lane: number) => Promise<unknown>,
  take: () => Promise<unknown>,
): Promise<{ refused: Set<string>; late: string[] }> {
  let takenAtMs = Number.POSITIVE_INFINITY;
  const late: string[] = [];
  const { promise: someoneGotIt, resolve: gotIt } = Promise.withResolvers<void>();
  const giveUpAtMs = performance.now() + TAKEN_MS_MAX;
  const lanes = Array.from({ length: CALLERS }, async (_, n) => {
    while (performance.now() < giveUpAtMs) {
      const begunAtMs = performance.now();
      const end = await endOf(() => use(transports[n % 2] as Transport, n), reasonOf);
      if (end !== 'OK') return end;
      gotIt();
      if (begunAtMs > takenAtMs + REVOKED_MS_MAX) late.push(`lane ${n}`);
    }
    return 'never refused';
  });
  await someoneGotIt;
  await take();
  takenAtMs = performance.now();
  return { refused: new Set(await Promise.all(lanes)), late };
}

/** How the two instances answer to each of these, used as a token or a key. */
async function answersTo(credentials: readonly string[]): Promise<Set<string>> {
  const ends = credentials.map((credential) =>
    race(2, (through) =>
      createClient(ApiKeyService, through).listApiKeys({}, { headers: { authorization: `Bearer ${credential}` } }),
    ),
  );
  return new Set((await Promise.all(ends)).flatMap((counts) => Object.keys(counts)));
}

/** Each from a network of its own, as many from one are slowed down. */
function signInFrom(lane: number, person: { email: string; password: string }, through = harness.transport) {
  const headers = { 'x-forwarded-for': `192.0.2.${lane}` };
  return createClient(AuthService, through).login(person, { headers });
}

const taken = (reason: string) => ({ refused: new Set([reason]), late: [] });
const deleteUser = (userId: string) => createClient(UserService, harness.transport).deleteUser({ userId }, admin);

describe('a hundred who use what is taken from them meanwhile, on two instances', () => {
  it('are refused with a revoked key', async () => {
    const person = await harness.newUser();
    const keys = createClient(ApiKeyService, harness.transport);
    const { apiKey, secret } = await keys.createApiKey(
      { apiKey: { name: 'k', permissions: ['keys:read'] } },
      person.as,
    );
    const as = { headers: { authorization: `Bearer ${secret}` } };
    const use = (through: Transport) => createClient(ApiKeyService, through).listApiKeys({}, as);
    expect(await race(2, use)).toEqual({ OK: 2 });
    const revoke = () => keys.revokeApiKey({ apiKeyId: apiKey?.id ?? '' }, person.as);
    expect(await useUntilTaken(use, revoke)).toEqual(taken('UNAUTHENTICATED'));
  }, 60_000);

  it('make no key any more for a deleted user, and the last one made is worth nothing', async () => {
    const person = await harness.newUser();
    const secrets: string[] = [];
    const make = async (through: Transport) => {
      const apiKey = { name: randomUUID(), permissions: ['keys:read'] };
      const { secret } = await createClient(ApiKeyService, through).createApiKey({ apiKey }, person.as);
      secrets.push(secret);
    };
    expect(await useUntilTaken(make, () => deleteUser(person.userId))).toEqual(taken('UNAUTHENTICATED'));
    await eventually(async () => expect(await answersTo(secrets)).toEqual(new Set(['UNAUTHENTICATED'])), HEARD_OF);
  }, 60_000);

  it('sign in no more as a deleted user, and no token that they got is worth anything', async () => {
    const { userId, email, password } = await harness.newUser();
    const tokens: string[] = [];
    const signIn = async (through: Transport, lane: number) => {
      tokens.push((await signInFrom(lane, { email, password }, through)).accessToken);
    };
    expect(await useUntilTaken(signIn, () => deleteUser(userId))).toEqual(taken('WRONG_CREDENTIALS'));
    await eventually(async () => expect(await answersTo(tokens)).toEqual(new Set(['UNAUTHENTICATED'])), HEARD_OF);
  }, 120_000);

  it('refresh no more once all sessions are ended, and no token that they got is worth anything', async () => {
    const { email, password, as } = await harness.newUser();
    const signIns = Array.from({ length: CALLERS }, (_, n) => signInFrom(n, { email, password }));
    const refreshTokens = (await Promise.all(signIns)).map(({ refreshToken }) => refreshToken);
    const tokens: string[] = [];
    const refresh = async (through: Transport, lane: number) => {
      const pair = await createClient(AuthService, through).refresh({ refreshToken: refreshTokens[lane] ?? '' });
      refreshTokens[lane] = pair.refreshToken;
      tokens.push(pair.accessToken);
    };
    const logOut = () => createClient(AuthService, harness.transport).logout({ all: true }, as);
    expect(await useUntilTaken(refresh, logOut)).toEqual(taken('UNAUTHENTICATED'));
    await eventually(async () => expect(await answersTo(tokens)).toEqual(new Set(['UNAUTHENTICATED'])), HEARD_OF);
  }, 120_000);
});
