import { randomUUID } from 'node:crypto';
import { type CallOptions, createClient } from '@connectrpc/connect';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { User_UserRole } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { type Harness, reasonFor, startIdentity } from './harness.ts';

/** What another instance does to a user while a call is under way: held before its commit until the call waits for it. */
const CHANGES = {
  deleted: 'delete from identity.users where id = $1',
  disabled: 'update identity.users set disabled_at = now() where id = $1',
  'given another password': `update identity.users
    set password_hash = (select max(password_hash) from identity.users where id <> $1) where id = $1`,
} as const;

let harness: Harness;
let other: pg.Client;
let person: Awaited<ReturnType<Harness['newUser']>>;

beforeAll(async () => {
  harness = await startIdentity();
});
afterAll(() => harness.close());
beforeEach(async () => {
  person = await harness.newUser();
  other = new pg.Client({ connectionString: harness.env.MORAG_DATABASE_URL });
  await other.connect();
});
afterEach(() => other.end());

/** Makes a change that is committed only when the call waits for it, and answers what became of the call. */
async function overtake<T>(sql: string, call: () => Promise<T>): Promise<T> {
  await other.query('begin');
  await other.query(sql, [person.userId]);
  const called = call();
  // It is awaited below; until then nobody else hears of its failure.
  called.catch(() => {});
  await eventually(async () => {
    // Within a transaction the view is otherwise as at the first look.
    await other.query('select pg_stat_clear_snapshot()');
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
                     and query ~ 'from "?identity"?[.]"?users"?.* for (no key )?update$'`;
    expect((await other.query(waiting)).rowCount).toBe(1);
  });
  await other.query('commit');
  return called;
}

const signIn = () => createClient(AuthService, harness.transport).login(person);
const refresh = () => createClient(AuthService, harness.transport).refresh(person);
const makeKey = (as: CallOptions = person.as) =>
  createClient(ApiKeyService, harness.transport).createApiKey(
    { apiKey: { name: 'k', permissions: ['keys:read'] } },
    as,
  );

describe('a log-in', () => {
  it.each(Object.entries(CHANGES))('opens no session for who was %s meanwhile', async (_what, sql) => {
    expect(await reasonFor(overtake(sql, signIn))).toBe('WRONG_CREDENTIALS');
  });
});

describe('a refresh', () => {
  it.each(['deleted', 'disabled'] as const)('goes no further for who was %s meanwhile', async (what) => {
    expect(await reasonFor(overtake(CHANGES[what], refresh))).toBe('UNAUTHENTICATED');
  });
});

describe('a key', () => {
  it.each(['deleted', 'disabled'] as const)('is not made for who was %s meanwhile', async (what) => {
    expect(await reasonFor(overtake(CHANGES[what], makeKey))).toBe('UNAUTHENTICATED');
  });
});

describe('the password in force', () => {
  const { 'given another password': sql } = CHANGES;

  it('is not changed by the one that another change has just replaced', async () => {
    const request = { userId: 'me', oldPassword: person.password, newPassword: 'a brand new long one' };
    const change = () => createClient(UserService, harness.transport).changePassword(request, person.as);
    expect(await reasonFor(overtake(sql, change))).toBe('WRONG_CREDENTIALS');
  });

  it('is no longer the one with which an address is changed', async () => {
    const user = { email: `${randomUUID()}@example.com`, password: person.password };
    const request = { userId: 'me', user, updateMask: { paths: ['email'] } };
    const move = () => createClient(UserService, harness.transport).updateUser(request, person.as);
    expect(await reasonFor(overtake(sql, move))).toBe('WRONG_CREDENTIALS');
  });
});

it.each([
  ['a log-in', signIn],
  ['a refresh', refresh],
])('%s gives the role that its user has then', async (_what, call) => {
  const promote = `update identity.users set role = 'ADMIN' where id = $1`;
  await other.query(promote, [person.userId]);
  const { accessToken, user } = await overtake(`update identity.users set role = 'USER' where id = $1`, call);
  expect(user?.role).toBe(User_UserRole.USER);
  const as = { headers: { authorization: `Bearer ${accessToken}` } };
  expect(await reasonFor(createClient(UserService, harness.transport).listUsers({}, as))).toBe('PERMISSION_DENIED');
});
