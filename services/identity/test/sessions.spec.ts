import { type Client, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { User_UserRole } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { connectClient } from '@morag/orm';
import { type Harness, reasonFor, startIdentity } from './harness.ts';

let harness: Harness;
let auth: Client<typeof AuthService>;
let users: Client<typeof UserService>;

beforeAll(async () => {
  harness = await startIdentity();
  auth = createClient(AuthService, harness.transport);
  users = createClient(UserService, harness.transport);
});
afterAll(() => harness.close());

describe('signing in', () => {
  it('gives tokens that work, whatever the case of the address', async () => {
    const { email, password, userId } = await harness.newUser();
    const login = await auth.login({ email: email.toUpperCase(), password });
    expect(login.expiresIn).toBe(900);
    const me = await users.getUser({ userId: 'me' }, { headers: { authorization: `Bearer ${login.accessToken}` } });
    expect(me).toMatchObject({ id: userId, email, role: User_UserRole.USER, disabled: false });
  });

  it('answers alike for an unknown address and a wrong password', async () => {
    const { email } = await harness.newUser();
    const answers = await Promise.all([
      auth.login({ email, password: 'wrong password' }).catch(String),
      auth.login({ email: 'nobody@example.org', password: 'wrong password' }).catch(String),
    ]);
    expect(answers[0]).toBe(answers[1]);
    expect(await reasonFor(auth.login({ email, password: 'wrong password' }))).toBe('WRONG_CREDENTIALS');
  });

  it('demands a credential that is one of ours', async () => {
    expect(await reasonFor(users.getUser({ userId: 'me' }))).toBe('UNAUTHENTICATED');
    for (const forged of ['x', 'eyJhbGciOiJub25lIn0.e30.', 'mrg_key']) {
      const headers = { authorization: `Bearer ${forged}` };
      expect(await reasonFor(users.getUser({ userId: 'me' }, { headers }))).toBe('UNAUTHENTICATED');
    }
  });
});

describe('refreshing', () => {
  it('gives a new pair, and ends the session when a token comes back', async () => {
    const { refreshToken } = await harness.newUser();
    const second = await auth.refresh({ refreshToken });
    const third = await auth.refresh({ refreshToken: second.refreshToken });
    const as = { headers: { authorization: `Bearer ${third.accessToken}` } };
    await users.getUser({ userId: 'me' }, as);
    expect(await reasonFor(auth.refresh({ refreshToken }))).toBe('REFRESH_TOKEN_REUSED');
    expect(await reasonFor(users.getUser({ userId: 'me' }, as))).toBe('UNAUTHENTICATED');
    expect(await reasonFor(auth.refresh({ refreshToken: third.refreshToken }))).toBe('UNAUTHENTICATED');
  });

  it('lets exactly one of fifty at once through', async () => {
    const { refreshToken } = await harness.newUser();
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => auth.refresh({ refreshToken })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('goes on for a day after the last, and for thirty days in all', async () => {
    const sql = await connectClient({ url: harness.env.MORAG_DATABASE_URL ?? '', schema: 'identity', service: 'test' });
    try {
      const { refreshToken, userId } = await harness.newUser();
      const grow = (age: string) =>
        sql.query(`update identity.sessions set created_at = now() - $2::interval where user_id = $1`, [userId, age]);
      const left = async (): Promise<number> => {
        const { rows } = await sql.query<{ hours: number }>(
          `select round(extract(epoch from expires_at - now()) / 3600)::int as hours from identity.sessions where user_id = $1`,
          [userId],
        );
        return rows[0]?.hours ?? -1;
      };
      expect(await left()).toBe(24);
      await grow('29 days 20 hours');
      const second = await auth.refresh({ refreshToken });
      expect(await left()).toBe(4);
      await grow('30 days');
      const third = await auth.refresh({ refreshToken: second.refreshToken });
      expect(await reasonFor(auth.refresh({ refreshToken: third.refreshToken }))).toBe('UNAUTHENTICATED');
    } finally {
      await sql.end();
    }
  });

  it('refuses what it did not make', async () => {
    expect(await reasonFor(auth.refresh({ refreshToken: 'mrr_forged' }))).toBe('UNAUTHENTICATED');
  });
});

describe('signing out', () => {
  it('takes effect on the next call, for this session alone', async () => {
    const { email, password, as } = await harness.newUser();
    const other = await harness.signIn(email, password);
    await auth.logout({}, as);
    expect(await reasonFor(users.getUser({ userId: 'me' }, as))).toBe('UNAUTHENTICATED');
    await users.getUser({ userId: 'me' }, other.as);
  });

  it('ends every session with `all`, and a new log-in works at once', async () => {
    const { email, password, as } = await harness.newUser();
    const other = await harness.signIn(email, password);
    await auth.logout({ all: true }, as);
    expect(await reasonFor(users.getUser({ userId: 'me' }, other.as))).toBe('UNAUTHENTICATED');
    const again = await harness.signIn(email, password);
    await users.getUser({ userId: 'me' }, again.as);
  });

  it('lists the open sessions page by page, and ends one by its id', async () => {
    const { email, password, as } = await harness.newUser();
    const other = await harness.signIn(email, password);
    const first = await auth.listSessions({ pageSize: 1 }, as);
    const second = await auth.listSessions({ pageSize: 1, pageToken: first.nextPageToken }, as);
    expect([...first.sessions, ...second.sessions].map(({ current }) => current)).toEqual([false, true]);
    expect(second.nextPageToken).toBe('');
    await auth.revokeSession({ sessionId: first.sessions[0]?.id }, as);
    expect(await reasonFor(users.getUser({ userId: 'me' }, other.as))).toBe('UNAUTHENTICATED');
    expect(await reasonFor(auth.revokeSession({ sessionId: first.sessions[0]?.id }, as))).toBe('SESSION_NOT_FOUND');
  });

  it("does not end another user's session", async () => {
    const [one, two] = await Promise.all([harness.newUser(), harness.newUser()]);
    const { sessions } = await auth.listSessions({}, one.as);
    expect(await reasonFor(auth.revokeSession({ sessionId: sessions[0]?.id }, two.as))).toBe('SESSION_NOT_FOUND');
  });
});

describe('the stream of revocations', () => {
  it('is only for services', async () => {
    const { as } = await harness.newUser();
    const read = async (): Promise<void> => {
      for await (const _ of auth.watchRevocations({}, as)) return;
    };
    expect(await reasonFor(read())).toBe('PERMISSION_DENIED');
  });
});
