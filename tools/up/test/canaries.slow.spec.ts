import { randomBytes, randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createTestDatabase, eventually } from '@morag/testing';
import pg from 'pg';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { dumpDatabase, findCanaries } from './canaries.ts';
import { type EchoServer, startEchoServer } from './echo-server.ts';
import { newDatabase, newServer } from './resources.ts';

const canaries = new Map<string, string[]>();
const places = new Map<string, string>();
let all: AllServices;
let echoes: readonly EchoServer[];
let collector: EchoServer;
let databaseUrl: string;
let forgetDatabase: () => Promise<void>;
let person: Person;

beforeAll(async () => {
  echoes = await Promise.all([200, 401, 500].map((status) => startEchoServer(status)));
  collector = await startEchoServer(200, (spans) => hear('traces', spans));
  databaseUrl = await newDatabaseWithSecret();
  all = await startAllServices({
    databaseUrl,
    env: {
      MORAG_LOG_LEVEL: 'trace',
      MORAG_DATABASE_ECHO: 'true',
      MORAG_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      MORAG_MASTER_KEY: canary('master key', randomBytes(32).toString('base64')),
      MORAG_EMBEDDER_API_KEY: canary('embedder key'),
    },
  });
  canary('administrator’s password', all.administrator.password);
  const email = `${randomUUID()}@example.org`;
  const password = canary('password');
  const user = await call('POST', '/v1/auth/register', { name: 'Somebody', email, password });
  const { accessToken } = await call('POST', '/v1/auth/login', { email, password });
  const token = canary('access token', String(accessToken));
  const as = { headers: { authorization: `Bearer ${token}` } };
  person = { userId: String(user.id), email, password, token, as };
}, 120_000);

afterAll(async () => {
  await all.stop();
  await Promise.all([...echoes, collector].map((server) => server.close()));
  await forgetDatabase();
});

/** Letters and digits, which no encoding of JSON or URLs changes, unless it is given. */
function canary(what: string, secret = `Canary${randomBytes(16).toString('hex')}`): string {
  canaries.set(what, [...(canaries.get(what) ?? []), secret]);
  return secret;
}

function hear(place: string, text: string): void {
  places.set(place, `${places.get(place) ?? ''}\n${text}`);
}

/** A request to the gateway; its answer is heard, with its headers. */
async function call(
  method: string,
  path: string,
  body?: object | string,
  headers?: Record<string, string>,
): Promise<Record<string, unknown>> {
  const sent = { 'content-type': 'application/json', ...(headers ?? person?.as.headers) } as Record<string, string>;
  if (body instanceof FormData) delete sent['content-type'];
  const isRaw = typeof body === 'string' || body instanceof FormData;
  const content = body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) };
  const response = await fetch(all.gateway + path, { method, headers: sent, ...content });
  const text = await response.text();
  const place = `${method} ${path.replaceAll(/[0-9a-f-]{36}/g, '{id}').replace(/\?.*/, '')} ${response.status}`;
  hear(place, `${JSON.stringify([...response.headers])}\n${text}`);
  return JSON.parse(text || '{}') as Record<string, unknown>;
}

/** Reads events until the first has come. */
async function listen(path: string): Promise<void> {
  const leave = new AbortController();
  const headers = { ...(person.as.headers as Record<string, string>), accept: 'text/event-stream' };
  const response = await fetch(all.gateway + path, { headers, signal: leave.signal });
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  hear(`events of ${path.replaceAll(/[0-9a-f-]{36}/g, '{id}')}`, Buffer.from(value ?? []).toString());
  leave.abort();
}

/** A database behind a password of its own. */
async function newDatabaseWithSecret(): Promise<string> {
  const database = await createTestDatabase('canaries');
  const role = `canaries_${randomBytes(6).toString('hex')}`;
  const password = canary('database password');
  await asSuperuser(`create role ${role} login superuser password '${password}'`);
  forgetDatabase = async () => {
    await database.drop();
    await asSuperuser(`drop role ${role}`);
  };
  const url = new URL(database.url);
  [url.username, url.password] = [role, password];
  return url.href;
}

async function asSuperuser(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: process.env.MORAG_TEST_DATABASE_URL ?? '' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Accounts: what is right, and what is wrong. */
async function manageAccount(): Promise<void> {
  const { email, password } = person;
  const nobody = {};
  await call('POST', '/v1/auth/login', { email, password: canary('wrong password') }, nobody);
  await call('POST', '/v1/auth/login', { email: 'nobody@example.org', password: canary('wrong password') }, nobody);
  await call('POST', '/v1/auth/register', { name: 'n', email, password: canary('taken address’s password') }, nobody);
  await call('POST', '/v1/auth/register', { name: '', email: 'no', password: canary('refused password') }, nobody);
  const session = await call('POST', '/v1/auth/login', { email, password }, nobody);
  const first = canary('refresh token', String(session.refreshToken));
  canary('access token', String(session.accessToken));
  const next = await call('POST', '/v1/auth/refresh', { refreshToken: first }, nobody);
  canary('refresh token', String(next.refreshToken));
  canary('access token', String(next.accessToken));
  await call('POST', '/v1/auth/refresh', { refreshToken: first }, nobody);
  await call('POST', '/v1/auth/refresh', { refreshToken: `mrr_${canary('forged refresh token')}` }, nobody);
  const newPassword = canary('new password');
  const change = `/v1/users/${person.userId}:changePassword`;
  await call('POST', change, { currentPassword: canary('wrong password'), newPassword });
  await call('POST', change, { currentPassword: password, newPassword: canary('long password').repeat(9) });
}

/** API keys: made, rotated, misused, revoked. */
async function manageKeys(): Promise<void> {
  const request = { name: 'canary', permissions: ['servers:read', 'keys:read'] };
  const twice = { ...person.as.headers, 'idempotency-key': randomUUID() } as Record<string, string>;
  const made = await call('POST', '/v1/api-keys', request, twice);
  const { id } = made.apiKey as { id: string };
  const key = canary('API key', String(made.secret));
  await call('POST', '/v1/api-keys', request, twice);
  const rotated = canary('API key', String((await call('POST', `/v1/api-keys/${id}:rotate`, {})).secret));
  for (const secret of [key, rotated, `${rotated.slice(0, -1)}x`]) {
    await call('GET', '/v1/servers', undefined, { 'x-api-key': secret });
    await call('GET', `/v1/servers?key=${secret}&pageSize=${secret}`, undefined, { authorization: `Bearer ${secret}` });
    await call('GET', `/v1/servers/${secret}`.replace(secret, randomUUID()), undefined, { 'x-api-key': secret });
    await all.call('servers', ServerService.method.listServers, create(ServerService.method.listServers.input), secret);
  }
  await call('GET', `/v1/servers?access_token=${person.token}`);
  await call('GET', '/v1/servers', undefined, { authorization: `Basic ${btoa(`me:${person.password}`)}` });
  await call('GET', `/v1/api-keys/${id}`);
  await call('POST', `/v1/api-keys/${id}:revoke`, {});
  await call('GET', '/v1/servers', undefined, { 'x-api-key': rotated });
}

const TYPES = ['CHROMA', 'QDRANT', 'WEAVIATE', 'PINECONE', 'PGVECTOR', 'NEO4J'];

const secrets = () => ({ username: 'someone', password: canary('server password'), apiKey: canary('server key') });

/** Servers that answer all they are told, at first and when something else answers in their place. */
async function meetEchoes(): Promise<void> {
  for (const { port } of echoes) {
    for (const type of TYPES) {
      const server = { name: `${type} at ${port}`, type, host: '127.0.0.1', port, ...secrets() };
      await call('POST', '/v1/servers:testConnection', server);
      const once = { ...person.as.headers, 'idempotency-key': randomUUID() } as Record<string, string>;
      const id = String((await call('POST', '/v1/servers', server, once)).id);
      await call('POST', `/v1/servers/${id}:testConnection`, {});
      await call('GET', `/v1/servers/${id}/collections`);
      await call('POST', '/v1/databases', { name: server.name, serverId: id, dimension: 3 });
      await call('PATCH', `/v1/servers/${id}`, { ...secrets(), port: 1 });
      await call('POST', `/v1/servers/${id}:testConnection`, {});
      for (const part of ['', '/health', '/events', '/health-checks']) await call('GET', `/v1/servers/${id}${part}`);
    }
  }
}

/** Input that is refused, and a webhook. */
async function manageServers(): Promise<void> {
  const good = { name: 'refused', type: 'CHROMA', host: '127.0.0.1', port: 1 };
  await call('POST', '/v1/servers', { ...good, ...secrets(), port: 0 });
  await call('POST', '/v1/servers', { ...good, password: canary('server password').repeat(200) });
  await call('POST', '/v1/servers', { ...good, password: [canary('server password')] });
  await call('POST', '/v1/servers', { ...good, apiKey: { value: canary('server key') } });
  await call('POST', '/v1/servers', { ...good, passwort: canary('server password') });
  await call('POST', '/v1/servers', `{"name":"broken","password":"${canary('server password')}`);
  await call('POST', '/v1/servers', `{"password":"${canary('server password')}\\q"}`);
  await call('POST', '/v1/servers', canary('server password'));
  const webhook = await call('POST', '/v1/webhooks', { url: `http://127.0.0.1:${collector.port}/hook` });
  canary('webhook secret', String(webhook.secret));
  for (const path of ['/v1/servers', '/v1/databases', '/v1/webhooks', '/v1/users/me:export']) await call('GET', path);
}

/** A document that goes in, and one that does not, on a server with secrets. */
async function ingest(): Promise<void> {
  const serverId = await newServer(all, person);
  const databaseId = await newDatabase(all, person, { serverId });
  const secrets = { password: canary('server password'), apiKey: canary('server key') };
  await call('PATCH', `/v1/servers/${serverId}`, secrets);
  for (const [name, content, end] of [
    ['good.md', '# A text\n\nWith a sentence.\n', 'FINISHED'],
    ['bad.pdf', '%PDF-1.7\n1 0 obj and then nothing that belongs there', 'FAILED'],
  ] as const) {
    const form = new FormData();
    form.set('file', new Blob([content]), name);
    const { jobId } = await call('POST', `/v1/databases/${databaseId}/documents:upload`, form);
    await listen(`/v1/jobs/${String(jobId)}:watch`);
    await eventually(async () => expect((await call('GET', `/v1/jobs/${String(jobId)}`)).status).toBe(end), {
      timeoutMs: 30_000,
    });
  }
  await call('POST', `/v1/databases/${databaseId}:search`, { query: 'a sentence' });
  await listen('/v1/servers:watchHealth');
}

/** Everything that is not an answer. */
async function gather(): Promise<void> {
  for (const [name, port] of Object.entries(all.ports)) {
    hear(`metrics of ${name}`, await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  }
  await eventually(
    async () => {
      const { auditEvents } = await call('GET', '/v1/audit-events?pageSize=1000');
      const actions = (auditEvents as { action: string }[]).map(({ action }) => action.split('/')[1]);
      for (const action of ['RotateApiKey', 'CreateServer', 'CreateWebhook', 'UploadDocument']) {
        expect(actions).toContain(action);
      }
    },
    { timeoutMs: 20_000 },
  );
  await eventually(() => expect(places.get('traces')).toContain('UploadDocument'), { timeoutMs: 20_000 });
  for (const [table, text] of await dumpDatabase(databaseUrl)) hear(table, text);
  hear('log', all.logs.text);
}

describe('no secret is anywhere but', () => {
  beforeAll(async () => {
    await manageAccount();
    await manageKeys();
    await meetEchoes();
    await manageServers();
    await ingest();
    await gather();
  }, 300_000);

  it('in the answers that hand it out, once', () => {
    expect(findCanaries(canaries, places)).toEqual([
      'POST /v1/api-keys 200: API key',
      'POST /v1/api-keys/{id}:rotate 200: API key',
      'POST /v1/auth/login 200: access token',
      'POST /v1/auth/login 200: refresh token',
      'POST /v1/auth/refresh 200: access token',
      'POST /v1/auth/refresh 200: refresh token',
      'POST /v1/webhooks 200: webhook secret',
    ]);
  });

  it('and the search has looked where something is', () => {
    const empty = [...places].filter(([, text]) => text.trim() === '').map(([place]) => place);
    expect(places.get('log')).toContain('"level":"debug"');
    for (const table of ['identity.users', 'servers.servers', 'documents.documents']) {
      expect(places.get(`table ${table}`)).toContain(person.userId);
    }
    expect(empty.filter((place) => !place.startsWith('table '))).toEqual([]);
  });

  it.each([
    ['as it is', (secret: string) => secret],
    ['in base64 amid other text', (secret: string) => btoa(`me:${secret}; `)],
    ['in base64url', (secret: string) => Buffer.from(`x${secret}`).toString('base64url')],
    ['URL-encoded', (secret: string) => `/?q=${encodeURIComponent(secret)}`],
    ['as bytes in hex', (secret: string) => `\\x00${Buffer.from(secret).toString('hex')}00`],
  ])('and a log line that holds one %s would be found', (_how, encode) => {
    for (const [what, secrets] of canaries) {
      const line = JSON.stringify({ level: 'info', msg: `mutant ${encode(secrets.at(-1) ?? '')}` });
      expect(findCanaries(canaries, new Map([['log', line]]))).toContain(`log: ${what}`);
    }
  });
});
