import { randomUUID } from 'node:crypto';
import { type CallOptions, type Client, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { identityConfig } from '@morag/config';
import { reasonOf } from '@morag/errors';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { SettingsService } from '@morag/gen/morag/identity/v1/settings_service_pb.ts';
import { User_UserRole, UserSettings_Theme } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { createTestDatabase, eventually } from '@morag/testing';
import { makeFirstAdministrator } from '../src/index.ts';
import { type Harness, reasonFor, startIdentity } from './harness.ts';

let harness: Harness;
let users: Client<typeof UserService>;
let auth: Client<typeof AuthService>;
let settings: Client<typeof SettingsService>;
let admin: CallOptions;

beforeAll(async () => {
  harness = await startIdentity();
  users = createClient(UserService, harness.transport);
  auth = createClient(AuthService, harness.transport);
  settings = createClient(SettingsService, harness.transport);
  const { email, password } = harness.administrator;
  admin = (await harness.signIn(email, password)).as;
});
afterAll(() => harness.close());

describe('registration', () => {
  it('takes an address once, whatever its case, also of twenty at once', async () => {
    const email = `${randomUUID()}@example.org`;
    const register = (n: number) =>
      auth.register({ name: 'n', email: n % 2 ? email : email.toUpperCase(), password: 'a good long one' });
    const reasons = await Promise.all(Array.from({ length: 20 }, (_, n) => reasonFor(register(n))));
    expect(reasons.filter((reason) => reason === 'no error')).toHaveLength(1);
    expect(reasons.filter((reason) => reason === 'EMAIL_EXISTS')).toHaveLength(19);
  });

  it.each([
    [{ name: '', email: 'a@example.org', password: 'a good long one' }, 'name', 'INVALID_ARGUMENT'],
    [{ name: 'x'.repeat(256), email: 'a@example.org', password: 'a good long one' }, 'name', 'INVALID_ARGUMENT'],
    [{ name: 'n', email: 'not an address', password: 'a good long one' }, 'email', 'INVALID_ARGUMENT'],
    [{ name: 'n', email: 'a@example.org', password: 'short' }, 'password', 'INVALID_ARGUMENT'],
    [{ name: 'n', email: 'a@example.org', password: 'password' }, 'password', 'WEAK_PASSWORD'],
  ])('refuses %o naming the field', async (request, field, reason) => {
    const error = ConnectError.from(await auth.register(request).catch((e: unknown) => e));
    expect(reasonOf(error)).toBe(reason);
    expect(JSON.stringify(error.details)).toContain(`"${field}"`);
  });
});

describe('a user', () => {
  it('changes its address with its password alone, and signs in with the new one then', async () => {
    const { as, email, password, userId } = await harness.newUser();
    const wanted = `${randomUUID()}@example.org`;
    const change = (given: string, by = as) =>
      users.updateUser(
        { userId: 'me', user: { email: wanted, password: given }, updateMask: { paths: ['email'] } },
        by,
      );
    expect(await reasonFor(change(''))).toBe('WRONG_CREDENTIALS');
    expect(await reasonFor(change('not the password'))).toBe('WRONG_CREDENTIALS');
    expect((await users.getUser({ userId: 'me' }, as)).email).toBe(email);
    expect((await change(password)).email).toBe(wanted);
    expect((await harness.signIn(wanted, password)).userId).toBe(userId);
    expect(await reasonFor(auth.login({ email, password }))).toBe('WRONG_CREDENTIALS');
  });

  it('sees and changes itself, and nobody else', async () => {
    const [one, two] = await Promise.all([harness.newUser(), harness.newUser()]);
    const changed = await users.updateUser(
      { userId: 'me', user: { name: 'New', avatarUrl: 'https://e.org/a.png' } },
      one.as,
    );
    expect(changed).toMatchObject({ name: 'New', avatarUrl: 'https://e.org/a.png', email: one.email });
    expect(await reasonFor(users.getUser({ userId: two.userId }, one.as))).toBe('USER_NOT_FOUND');
    expect(await reasonFor(users.updateUser({ userId: two.userId, user: { name: 'x' } }, one.as))).toBe(
      'USER_NOT_FOUND',
    );
    expect(await reasonFor(users.deleteUser({ userId: two.userId }, one.as))).toBe('USER_NOT_FOUND');
    expect(await reasonFor(users.listUsers({}, one.as))).toBe('PERMISSION_DENIED');
  });

  it('cannot give itself a role, and an old etag is told', async () => {
    const { as } = await harness.newUser();
    const role = User_UserRole.ADMIN;
    expect(await reasonFor(users.updateUser({ userId: 'me', user: { role } }, as))).toBe('PERMISSION_DENIED');
    const { etag } = await users.getUser({ userId: 'me' }, as);
    await users.updateUser({ userId: 'me', user: { name: 'Once' } }, as);
    expect(await reasonFor(users.updateUser({ userId: 'me', user: { name: 'Twice', etag } }, as))).toBe(
      'ETAG_MISMATCH',
    );
  });

  it('changes its password, which ends its other sessions', async () => {
    const { email, password, as } = await harness.newUser();
    const other = await harness.signIn(email, password);
    const newPassword = 'another long one';
    expect(await reasonFor(users.changePassword({ userId: 'me', oldPassword: 'wrong', newPassword }, as))).toBe(
      'WRONG_CREDENTIALS',
    );
    await users.changePassword({ userId: 'me', oldPassword: password, newPassword }, as);
    await users.getUser({ userId: 'me' }, as);
    expect(await reasonFor(users.getUser({ userId: 'me' }, other.as))).toBe('UNAUTHENTICATED');
    expect(await reasonFor(harness.signIn(email, password))).toBe('WRONG_CREDENTIALS');
    await harness.signIn(email, newPassword);
  });

  it('takes all that it owns with it, also where a service is away at first', async () => {
    const { userId, as } = await harness.newUser();
    harness.others.failNext(2);
    await users.deleteUser({ userId: 'me' }, as);
    await eventually(() => expect(harness.others.purged).toContain(`servers:${userId}`));
    expect(harness.others.purged).toContain(`documents:${userId}`);
  });

  it('has settings from the start, and keeps what an update leaves out', async () => {
    const { as } = await harness.newUser();
    const first = await settings.getUserSettings({ userId: 'me' }, as);
    expect(first).toMatchObject({
      theme: UserSettings_Theme.LIGHT,
      language: 'en',
      notifications: true,
      autoSave: true,
    });
    const changes = { theme: UserSettings_Theme.DARK, preferences: { columns: ['a', 'b'] } };
    const second = await settings.updateUserSettings({ userId: 'me', settings: changes }, as);
    expect(second).toMatchObject({
      theme: UserSettings_Theme.DARK,
      language: 'en',
      preferences: { columns: ['a', 'b'] },
    });
    const large = { preferences: { text: 'x'.repeat(17_000) } };
    expect(await reasonFor(settings.updateUserSettings({ userId: 'me', settings: large }, as))).toBe(
      'INVALID_ARGUMENT',
    );
  });
});

describe('an administrator', () => {
  it('makes, finds, disables and deletes users', async () => {
    const email = `${randomUUID()}@example.org`;
    const password = 'a good long one';
    const user = await users.createUser(
      { user: { name: 'Viewer', email, password, role: User_UserRole.VIEWER } },
      admin,
    );
    const { as } = await harness.signIn(email, password);
    const { users: found } = await users.listUsers({ filter: `email = "${email}"` }, admin);
    expect(found.map(({ id }) => id)).toEqual([user.id]);
    expect(await reasonFor(users.updateUser({ userId: 'me', user: { name: 'x' } }, as))).toBe('PERMISSION_DENIED');
    await users.updateUser({ userId: user.id, user: { disabled: true } }, admin);
    expect(await reasonFor(users.getUser({ userId: 'me' }, as))).toBe('UNAUTHENTICATED');
    expect(await reasonFor(harness.signIn(email, password))).toBe('WRONG_CREDENTIALS');
    await users.deleteUser({ userId: user.id }, admin);
    expect(await reasonFor(users.getUser({ userId: user.id }, admin))).toBe('USER_NOT_FOUND');
  });

  it('gives a role that takes effect with the next token, and the old token ends', async () => {
    const { userId, as, refreshToken } = await harness.newUser();
    await users.updateUser({ userId, user: { role: User_UserRole.ADMIN } }, admin);
    expect(await reasonFor(users.getUser({ userId: 'me' }, as))).toBe('UNAUTHENTICATED');
    const { accessToken } = await auth.refresh({ refreshToken });
    await users.listUsers({}, { headers: { authorization: `Bearer ${accessToken}` } });
    await users.updateUser({ userId, user: { role: User_UserRole.USER } }, admin);
  });

  it('can neither go nor step down as the last one, also of two at once', async () => {
    const { id } = await users.getUser({ userId: 'me' }, admin);
    expect(await reasonFor(users.deleteUser({ userId: id }, admin))).toBe('LAST_ADMINISTRATOR');
    const second = await harness.newUser();
    await users.updateUser({ userId: second.userId, user: { role: User_UserRole.ADMIN } }, admin);
    const { as } = await harness.signIn(second.email, second.password);
    const reasons = await Promise.all([
      reasonFor(users.deleteUser({ userId: second.userId }, admin)),
      reasonFor(users.updateUser({ userId: id, user: { role: User_UserRole.USER } }, as)),
    ]);
    expect(reasons.filter((reason) => reason === 'no error')).toHaveLength(1);
  });
});

it('does not let anybody register where that is switched off', async () => {
  const closed = await startIdentity({ MORAG_ENABLE_USER_REGISTRATION: 'false' });
  const register = createClient(AuthService, closed.transport).register({
    name: 'n',
    email: 'a@b.org',
    password: 'a good long one',
  });
  expect(await reasonFor(register)).toBe('REGISTRATION_DISABLED');
  await closed.close();
});

it('no first administrator is made with a weak password', async () => {
  const { url, drop } = await createTestDatabase('identity');
  const config = identityConfig({ ...harness.env, MORAG_DATABASE_URL: url });
  const make = (password: string) => makeFirstAdministrator(config, { email: 'root@example.org', password });
  for (const weak of ['short', 'password123', 'root@example.org']) {
    expect(await reasonFor(make(weak))).toBe('WEAK_PASSWORD');
  }
  expect(await reasonFor(make('a good long one'))).toBe('no error');
  await drop();
});
