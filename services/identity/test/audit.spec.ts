import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type CallOptions, type Client, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServiceTokens, SYSTEM_USER_ID, serviceTokenSecret } from '@morag/auth';
import { deriveKey, loadRootKey } from '@morag/crypto';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { type AuditEvent, AuditEvent_Outcome, AuditService } from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { User_UserRole } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { connectClient, createOrm } from '@morag/orm';
import { eventually } from '@morag/testing';
import { schema } from '../src/index.ts';
import { createAuditChainer } from '../src/modules/audit/audit-chain.ts';
import { pruneEvents } from '../src/modules/audit/prune-events.ts';
import { verifyChains } from '../src/modules/audit/verify-chains.ts';
import { type Harness, reasonFor, startIdentity } from './harness.ts';

const POOL = { size: 1, overflow: 0 };

let harness: Harness;
let audit: Client<typeof AuditService>;
let keys: Client<typeof ApiKeyService>;
let users: Client<typeof UserService>;
let auth: Client<typeof AuthService>;
let admin: CallOptions;
let internal: CallOptions;
let sql: Awaited<ReturnType<typeof connectClient>>;

beforeAll(async () => {
  harness = await startIdentity();
  audit = createClient(AuditService, harness.transport);
  keys = createClient(ApiKeyService, harness.transport);
  users = createClient(UserService, harness.transport);
  auth = createClient(AuthService, harness.transport);
  const { email, password } = harness.administrator;
  admin = (await harness.signIn(email, password)).as;
  const secret = serviceTokenSecret(await loadRootKey({ key: harness.env.MORAG_MASTER_KEY }));
  const token = await createServiceTokens({ service: 'servers', secret }).issue({
    audience: 'identity',
    ownerId: SYSTEM_USER_ID,
    permissions: [],
    ttlSeconds: 300,
  });
  internal = { headers: { authorization: `Bearer ${token}` } };
  sql = await connectClient({ url: harness.env.MORAG_DATABASE_URL ?? '', schema: 'identity', service: 'test' });
});
afterAll(async () => {
  await sql.end();
  await harness.close();
});

/** The events of a method, once so many are there. */
async function eventsOf(as: CallOptions, method: string, count = 1): Promise<AuditEvent[]> {
  let found: AuditEvent[] = [];
  await eventually(async () => {
    const { auditEvents } = await audit.listAuditEvents({ pageSize: 1_000 }, as);
    found = auditEvents.filter(({ action }) => action.endsWith(`/${method}`));
    expect(found.length).toBeGreaterThanOrEqual(count);
  });
  expect(found).toHaveLength(count);
  return found;
}

const { DENIED, FAILED, SUCCEEDED } = AuditEvent_Outcome;
const given = (json: JsonObject | undefined): JsonObject => json ?? {};

describe('a change', () => {
  it('is on record: who, what, on what, from where, and what it was before and after', async () => {
    const { as, userId } = await harness.newUser();
    const headers = { ...as.headers, 'x-request-id': 'r-1', 'x-forwarded-for': '192.0.2.3' };
    const changed = await users.updateUser({ userId: 'me', user: { name: 'New' } }, { headers });
    const [event] = await eventsOf(as, 'UpdateUser');
    expect(event).toMatchObject({
      ownerId: userId,
      userId,
      action: 'morag.identity.v1.UserService/UpdateUser',
      target: `users/${userId}`,
      outcome: AuditEvent_Outcome.SUCCEEDED,
      requestId: 'r-1',
      address: '192.0.2.3',
    });
    expect(event?.sessionId).not.toBe('');
    expect([given(event?.before).name, given(event?.after).name]).toEqual(['Somebody', changed.name]);
  });

  it('holds no secret', async () => {
    const { as, email, password } = await harness.newUser();
    const { secret } = await keys.createApiKey({ apiKey: { name: 'k', permissions: ['keys:read'] } }, as);
    await users.changePassword({ userId: 'me', oldPassword: password, newPassword: 'a brand new long one' }, as);
    const [made] = await eventsOf(as, 'CreateApiKey');
    expect(made?.target).toMatch(/^api-keys\/[0-9a-f-]{36}$/);
    expect(given(made?.after).name).toBe('k');
    await eventsOf(as, 'ChangePassword');
    const [login] = await eventsOf(as, 'Login');
    expect(given(login?.after).email).toBe(email);
    const text = JSON.stringify((await sql.query('select * from identity.audit_events')).rows);
    for (const hidden of [password, 'a brand new long one', secret.slice(-49), 'eyJ', 'mrr_']) {
      expect(text).not.toContain(hidden);
    }
  });

  it('by an administrator is on record with whom it was about', async () => {
    const { userId } = await harness.newUser();
    await users.updateUser({ userId, user: { role: User_UserRole.VIEWER } }, admin);
    const filter = `target = "users/${userId}" AND action = "morag.identity.v1.UserService/UpdateUser"`;
    const found = async () => (await audit.listAuditEvents({ filter }, admin)).auditEvents;
    await eventually(async () => expect(await found()).toHaveLength(1));
    const [event] = await found();
    expect(event).toMatchObject({ ownerId: userId, outcome: AuditEvent_Outcome.SUCCEEDED });
    expect([given(event?.before).role, given(event?.after).role]).toEqual(['USER', 'VIEWER']);
    expect(event?.userId).not.toBe(userId);
  });

  it('that failed or was refused is on record as that', async () => {
    const { as, email } = await harness.newUser();
    await reasonFor(auth.login({ email, password: 'wrong' }));
    await reasonFor(users.listUsers({}, as));
    await reasonFor(users.updateUser({ userId: 'me', user: { role: User_UserRole.ADMIN } }, as));
    await reasonFor(keys.revokeApiKey({ apiKeyId: randomUUID() }, as));
    const [[denied], [own], [missing]] = await Promise.all([
      eventsOf(as, 'ListUsers'),
      eventsOf(as, 'UpdateUser'),
      eventsOf(as, 'RevokeApiKey'),
    ]);
    expect([denied?.outcome, own?.outcome, missing?.outcome]).toEqual([DENIED, DENIED, FAILED]);
    const logins = await eventsOf(as, 'Login', 2);
    expect(logins.map(({ outcome }) => outcome)).toEqual([FAILED, SUCCEEDED]);
  });

  it('is not made when it cannot be put on record', async () => {
    const { as } = await harness.newUser();
    await sql.query('alter table identity.audit_journal rename to audit_journal_away');
    try {
      expect(await reasonFor(keys.createApiKey({ apiKey: { name: 'unrecorded' } }, as))).toBe('INTERNAL');
    } finally {
      await sql.query('alter table identity.audit_journal_away rename to audit_journal');
    }
    expect((await keys.listApiKeys({}, as)).apiKeys).toEqual([]);
    await keys.createApiKey({ apiKey: { name: 'recorded' } }, as);
  });
});

describe('the log', () => {
  it('is each owner’s own, filtered and page by page', async () => {
    const [one, two] = await Promise.all([harness.newUser(), harness.newUser()]);
    for (let n = 0; n < 5; n += 1) await users.updateUser({ userId: 'me', user: { name: `n${n}` } }, one.as);
    await eventsOf(one.as, 'UpdateUser', 5);
    const filter = 'action = "morag.identity.v1.UserService/UpdateUser" AND outcome = SUCCEEDED';
    const names: unknown[] = [];
    for (let pageToken = ''; ; ) {
      const page = await audit.listAuditEvents({ filter, pageSize: 2, pageToken }, one.as);
      names.push(...page.auditEvents.map(({ after }) => given(after).name));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(names).toEqual(['n4', 'n3', 'n2', 'n1', 'n0']);
    const theirs = await audit.listAuditEvents({ pageSize: 1_000 }, two.as);
    expect(theirs.auditEvents.every(({ ownerId }) => ownerId === two.userId)).toBe(true);
  });

  it('takes an event once, of many batches at once, and its chain holds', async () => {
    const { userId, as } = await harness.newUser();
    const event = () => ({ id: randomUUID(), ownerId: userId, action: 'a.B/Many', outcome: SUCCEEDED });
    const batches = Array.from({ length: 10 }, () => Array.from({ length: 10 }, event));
    const twice = [...batches, ...batches].map((auditEvents) => audit.recordAuditEvents({ auditEvents }, internal));
    await Promise.all(twice);
    await eventsOf(as, 'Many', 100);
    expect((await audit.verifyAuditLog({}, as)).faults).toEqual([]);
  });

  it('loses what is older than the retention, and still holds from its checkpoint on', async () => {
    const ownerId = randomUUID();
    const eventOf = (days: number) => ({
      id: randomUUID(),
      ownerId,
      action: 'a.B/Old',
      outcome: SUCCEEDED,
      createTime: timestampFromMs(Date.now() - days * 86_400_000),
    });
    await audit.recordAuditEvents({ auditEvents: [400, 399, 10, 1].map(eventOf) }, internal);
    const db = await createOrm({ ...schema, url: harness.env.MORAG_DATABASE_URL ?? '', service: 'test', pool: POOL });
    const chainer = createAuditChainer(
      deriveKey(await loadRootKey({ key: harness.env.MORAG_MASTER_KEY }), 'audit chain'),
    );
    await pruneEvents({ db, chainer }, { retentionDays: 365, nowMs: Date.now() });
    const report = await verifyChains({ db, chainer }, ownerId, AbortSignal.timeout(10_000));
    await db.close();
    expect(report).toEqual({ chains: 1, events: 2, faults: [] });
  });

  it.each([
    ['was changed', 'update identity.audit_events set target = $$x$$ where owner_id = $1 and sequence = 3', 3n],
    ['is missing', 'delete from identity.audit_events where owner_id = $1 and sequence = 2', 2n],
    ['end of the chain is missing', 'delete from identity.audit_events where owner_id = $1 and sequence = 5', 5n],
    ['checkpoint is not signed', 'update identity.audit_chains set base_sequence = 4 where owner_id = $1', 4n],
  ])('shows where an event %s', async (description, statement, sequence) => {
    const ownerId = randomUUID();
    const auditEvents = Array.from({ length: 5 }, () => ({
      id: randomUUID(),
      ownerId,
      action: 'a.B/C',
      outcome: SUCCEEDED,
    }));
    await audit.recordAuditEvents({ auditEvents }, internal);
    const faultsOf = async () =>
      (await audit.verifyAuditLog({}, admin)).faults.filter((fault) => fault.ownerId === ownerId);
    expect(await faultsOf()).toEqual([]);
    await sql.query(statement, [ownerId]);
    expect(await faultsOf()).toMatchObject([{ sequence, description: expect.stringContaining(description) }]);
  });
});
