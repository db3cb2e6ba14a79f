import { randomUUID } from 'node:crypto';
import { Code } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { reasonOf, violationsOf } from '@morag/errors';
import {
  HealthCheck_HealthStatus,
  Server_DatabaseType,
  Server_TlsMode,
} from '@morag/gen/morag/servers/v1/server_pb.ts';
import { TestConnectionResponse_Failure_Phase } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import pg from 'pg';
import { type Caller, type Harness, startServers } from './harness.ts';

let harness: Harness;
let alice: Caller;
let bob: Caller;
let nextPort = 20_000;

beforeAll(async () => {
  harness = await startServers();
  [alice, bob] = [await harness.newUser(), await harness.newUser()];
});

afterAll(() => harness.close());

function draft(overrides: object = {}) {
  return { name: randomUUID(), type: Server_DatabaseType.CHROMA, host: '127.0.0.1', port: nextPort++, ...overrides };
}

async function created(overrides: object = {}, owner = alice) {
  return harness.servers.createServer({ server: draft(overrides) }, owner.as);
}

async function refusal(call: Promise<unknown>): Promise<{ reason?: string; fields: string[]; code: Code }> {
  const error = await call.then(
    () => new Error('it succeeded'),
    (cause: unknown) => cause,
  );
  return {
    reason: reasonOf(error),
    fields: violationsOf(error as never).map(({ field }) => field),
    code: (error as { code: Code }).code,
  };
}

async function queryRow(id: string): Promise<Record<string, unknown>> {
  const client = new pg.Client({ connectionString: harness.databaseUrl });
  await client.connect();
  try {
    return (await client.query('select * from servers.servers where id = $1', [id])).rows[0];
  } finally {
    await client.end();
  }
}

describe('a new server', () => {
  it('is inactive, and answers without its secrets', async () => {
    const server = await created({
      username: 'u',
      password: 'hunter2-secret',
      apiKey: 'key-secret',
      labels: { a: 'b' },
    });
    expect(server).toMatchObject({ isActive: false, hasPassword: true, hasApiKey: true, password: '', apiKey: '' });
    expect(server).toMatchObject({ ownerId: alice.userId, tls: Server_TlsMode.DISABLED, labels: { a: 'b' } });
    expect(server.lastConnectedTime).toBeUndefined();
    const row = JSON.stringify(await queryRow(server.id));
    expect(row).toContain('"sealed_password":"v1.');
    expect(row).not.toMatch(/hunter2-secret|key-secret/);
  });

  it('has a name that is unique for its owner', async () => {
    const { name } = await created();
    expect(await refusal(created({ name }))).toMatchObject({ reason: 'SERVER_EXISTS', fields: ['server.name'] });
    expect((await created({ name }, bob)).name).toBe(name);
  });

  it('is made once by a hundred who try at once', async () => {
    const name = randomUUID();
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => created({ name })));
    const reasons = results.map((result) => (result.status === 'rejected' ? reasonOf(result.reason) : 'made'));
    expect(reasons.filter((reason) => reason === 'made')).toHaveLength(1);
    expect(reasons.filter((reason) => reason === 'SERVER_EXISTS')).toHaveLength(99);
  });

  it('is the same one for a repeated request id', async () => {
    const request = { server: draft(), requestId: randomUUID() };
    const first = await harness.servers.createServer(request, alice.as);
    expect((await harness.servers.createServer(request, alice.as)).id).toBe(first.id);
    const other = { ...request, server: draft() };
    expect((await refusal(harness.servers.createServer(other, alice.as))).reason).toBe('REQUEST_ID_REUSED');
  });

  it.each([
    ['an empty name', { name: '' }, 'INVALID_ARGUMENT', 'server.name'],
    ['a long name', { name: 'x'.repeat(256) }, 'INVALID_ARGUMENT', 'server.name'],
    ['port 0', { port: 0 }, 'INVALID_ARGUMENT', 'server.port'],
    ['port 65536', { port: 65_536 }, 'INVALID_ARGUMENT', 'server.port'],
    ['no type', { type: 0 }, 'INVALID_ARGUMENT', 'server.type'],
    ['an unknown type', { type: 99 }, 'INVALID_ARGUMENT', 'server.type'],
    ['a URL as host', { host: 'http://example.org' }, 'INVALID_ARGUMENT', 'server.host'],
    ['an option nobody knows', { config: { nope: 1 } }, 'INVALID_SERVER_CONFIG', 'server.config.nope'],
    ['a metadata service', { host: '169.254.169.254' }, 'HOST_NOT_ALLOWED', 'server.host'],
    ['a private address that is not allowed', { host: '10.0.0.1' }, 'HOST_NOT_ALLOWED', 'server.host'],
    ['a port of this system', { host: '127.0.0.1', port: 7001 }, 'HOST_NOT_ALLOWED', 'server.host'],
  ])('is refused with %s', async (_what, overrides, reason, field) => {
    expect(await refusal(created(overrides))).toMatchObject({ reason, fields: [field] });
  });

  it('is refused for a vendor without a connector', async () => {
    expect((await refusal(created({ type: Server_DatabaseType.NEO4J }))).reason).toBe('SERVER_TYPE_NOT_AVAILABLE');
  });
});

describe('another owner', () => {
  it('finds nothing, whatever it tries; an administrator finds everything', async () => {
    const { id: serverId, name } = await created();
    const { servers } = harness;
    const calls = [
      servers.getServer({ serverId }, bob.as),
      servers.updateServer({ serverId, server: { name: 'mine' } }, bob.as),
      servers.deleteServer({ serverId }, bob.as),
      servers.testConnection({ serverId }, bob.as),
      servers.getServerHealth({ serverId }, bob.as),
      servers.getServer({ serverId: randomUUID() }, bob.as),
    ];
    for (const refused of await Promise.all(calls.map(refusal))) {
      expect(refused).toMatchObject({ reason: 'SERVER_NOT_FOUND', code: Code.NotFound });
    }
    expect((await servers.listServers({ filter: `name = "${name}"` }, bob.as)).servers).toEqual([]);
    const admin = await harness.newUser('ADMIN');
    expect((await servers.getServer({ serverId }, admin.as)).id).toBe(serverId);
    expect((await servers.listServers({ filter: `name = "${name}"` }, admin.as)).servers).toHaveLength(1);
  });

  it('who only views may not write', async () => {
    const viewer = await harness.newUser('VIEWER');
    expect((await refusal(created({}, viewer))).reason).toBe('PERMISSION_DENIED');
    expect((await harness.servers.listServers({}, viewer.as)).servers).toEqual([]);
  });
});

describe('a list of servers', () => {
  it('comes in pages whose tokens are the caller’s own', async () => {
    const owner = await harness.newUser();
    const names = ['a', 'b', 'c'];
    for (const name of names) await created({ name }, owner);
    const first = await harness.servers.listServers({ pageSize: 2 }, owner.as);
    expect(first.servers.map(({ name }) => name)).toEqual(['c', 'b']);
    const pageToken = first.nextPageToken;
    const second = await harness.servers.listServers({ pageSize: 2, pageToken }, owner.as);
    expect(second).toMatchObject({ servers: [{ name: 'a' }], nextPageToken: '' });
    expect((await refusal(harness.servers.listServers({ pageToken }, bob.as))).reason).toBe('INVALID_PAGE_TOKEN');
    const ordered = await harness.servers.listServers({ orderBy: 'name desc', filter: 'type = "CHROMA"' }, owner.as);
    expect(ordered.servers.map(({ name }) => name)).toEqual(['c', 'b', 'a']);
    expect((await refusal(harness.servers.listServers({ filter: 'color = 1' }, owner.as))).reason).toBe(
      'INVALID_LIST_FILTER',
    );
  });
});

describe('a connection test', () => {
  it('activates a stored server and is its last check', async () => {
    const { id: serverId } = await created();
    expect(await harness.servers.testConnection({ serverId }, alice.as)).toMatchObject({ success: true });
    const server = await harness.servers.getServer({ serverId }, alice.as);
    expect(server.isActive).toBe(true);
    expect(server.lastConnectedTime).toBeDefined();
    const health = await harness.servers.getServerHealth({ serverId }, alice.as);
    expect(health).toMatchObject({ status: HealthCheck_HealthStatus.HEALTHY, lastCheck: { version: '1.0.0' } });
  });

  it('that fails is an answer with its phase, and changes nothing', async () => {
    const { id: serverId, port } = await created();
    expect(await harness.servers.getServerHealth({ serverId }, alice.as)).toMatchObject({
      status: HealthCheck_HealthStatus.UNKNOWN,
    });
    harness.vendors.server(port).down = 'unavailable';
    const result = await harness.servers.testConnection({ serverId }, alice.as);
    expect(result).toMatchObject({ success: false, failure: { phase: TestConnectionResponse_Failure_Phase.TCP } });
    expect((await harness.servers.getServer({ serverId }, alice.as)).isActive).toBe(false);
    expect(await harness.servers.getServerHealth({ serverId }, alice.as)).toMatchObject({
      status: HealthCheck_HealthStatus.UNHEALTHY,
      lastCheck: { errorCategory: 'tcp' },
    });
  });

  it('of a configuration saves nothing', async () => {
    const owner = await harness.newUser();
    const { name: _name, ...server } = draft();
    expect(await harness.servers.testConnection({ server }, owner.as)).toMatchObject({ success: true });
    const unknown = { server: { ...server, config: { nope: 1 } } };
    expect((await refusal(harness.servers.testConnection(unknown, owner.as))).reason).toBe('INVALID_SERVER_CONFIG');
    expect((await harness.servers.listServers({}, owner.as)).servers).toEqual([]);
  });

  it('needs one of the two', async () => {
    expect((await refusal(harness.servers.testConnection({}, alice.as))).reason).toBe('INVALID_ARGUMENT');
  });
});

describe('an update', () => {
  const update = (serverId: string, server: object, paths?: string[]) =>
    harness.servers.updateServer({ serverId, server, updateMask: paths && { paths } }, alice.as);

  it('changes what it names and keeps secrets that it leaves out', async () => {
    const { id, etag } = await created({ password: 'p', labels: { a: '1' } });
    const updated = await update(id, { name: 'renamed-' + id, labels: {} }, ['name', 'labels']);
    expect(updated).toMatchObject({ name: `renamed-${id}`, labels: {}, hasPassword: true });
    expect(updated.etag).not.toBe(etag);
    expect((await update(id, { ...draft(), port: updated.port }, ['*'])).hasPassword).toBe(true);
    expect((await update(id, {}, ['password'])).hasPassword).toBe(false);
  });

  it.each([
    ['host', { host: 'localhost' }],
    ['port', { port: 19_999 }],
    ['tls', { tls: Server_TlsMode.VERIFY }],
  ])('of the %s voids the secrets and makes the server inactive', async (path, change) => {
    const { id: serverId } = await created({ password: 'p', apiKey: 'k' });
    await harness.servers.testConnection({ serverId }, alice.as);
    const moved = await update(serverId, change, [path]);
    expect(moved).toMatchObject({ hasPassword: false, hasApiKey: false, isActive: false });
    const withSecret = await update(serverId, { ...change, port: 19_998, password: 'new' }, ['port', 'password']);
    expect(withSecret).toMatchObject({ hasPassword: true, hasApiKey: false });
  });

  it('is refused when somebody else was faster, names nothing or a fixed field', async () => {
    const server = await created();
    await update(server.id, { labels: { a: '1' } });
    expect((await refusal(update(server.id, { name: 'late', etag: server.etag }))).reason).toBe('ETAG_MISMATCH');
    expect((await refusal(update(server.id, {}, ['nope']))).reason).toBe('INVALID_ARGUMENT');
    const typed = update(server.id, { type: Server_DatabaseType.QDRANT }, ['type']);
    expect(await refusal(typed)).toMatchObject({ reason: 'INVALID_ARGUMENT', fields: ['server.type'] });
    expect((await refusal(update(server.id, { port: 0 }, ['port']))).fields).toEqual(['server.port']);
  });

  it('keeps every one of many that come at once', async () => {
    const { id } = await created();
    const { name } = await created();
    await Promise.all([update(id, { username: 'u' }), update(id, { database: 'd' }), update(id, { collection: 'c' })]);
    expect(await harness.servers.getServer({ serverId: id }, alice.as)).toMatchObject({
      username: 'u',
      database: 'd',
      collection: 'c',
    });
    expect((await refusal(update(id, { name }))).reason).toBe('SERVER_EXISTS');
  });
});

describe('deleting', () => {
  it('forgets a server, once', async () => {
    const { id: serverId } = await created();
    await harness.servers.deleteServer({ serverId }, alice.as);
    expect((await refusal(harness.servers.deleteServer({ serverId }, alice.as))).reason).toBe('SERVER_NOT_FOUND');
  });
});
