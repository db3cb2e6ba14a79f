import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { expectRefusal, send } from './http-client.ts';
import { newDatabase, newServer } from './resources.ts';

let all: AllServices;
let person: Person;
let ids: Readonly<Record<string, string>>;
let before: unknown;

beforeAll(async () => {
  all = await startAllServices();
  person = await all.newUser();
  const serverId = await newServer(all, person);
  const databaseId = await newDatabase(all, person, { serverId, dimension: 3 });
  ids = { server: serverId, database: databaseId };
  await call('POST', '/v1/servers', server({ name: 'taken' }));
  await call('POST', '/v1/databases', database({ name: 'taken' }));
  await call('POST', '/v1/databases/{database}/records:upsert', { records: [record({})] });
  before = await everything();
}, 60_000);

afterAll(() => all.stop());

/** `{server}` and `{database}` stand for ids that exist, in paths and in bodies. */
function withIds(text: string): string {
  return text.replace(/\{(server|database)\}/g, (_match, name: string) => ids[name] ?? '');
}

function call(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const text =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const content = typeof text === 'string' ? withIds(text) : text;
  return send(all, person, { method, path: withIds(path), body: content, ...(headers && { headers }) });
}

/** All that the person has, as lists tell it. */
async function everything(): Promise<unknown> {
  const paths = ['/v1/servers', '/v1/databases', '/v1/documents', '/v1/users/me', '/v1/users/me/settings'];
  const answers = await Promise.all(paths.map((path) => call('GET', path)));
  const records = await call('POST', '/v1/databases/{database}/records:scroll', {});
  return [...answers, records].map(({ status, body }) => ({ status, body }));
}

const server = (fields: object) => ({ name: 'new', type: 'CHROMA', host: '127.0.0.1', port: 8000, ...fields });
const database = (fields: object) => ({ name: 'new', dimension: 3, serverId: '{server}', ...fields });
const record = (fields: object) => ({ id: 'a', vector: [1, 0, 0], metadata: { lang: 'de' }, ...fields });
const upsert = (fields: object) => ({ records: [record(fields)] });

type Case = readonly [
  what: string,
  method: string,
  path: string,
  body: unknown,
  status: number,
  reason: string,
  field?: string,
];

const INVALID = 'INVALID_ARGUMENT';
const SERVERS = '/v1/servers';
const DATABASES = '/v1/databases';
const RECORDS = '/v1/databases/{database}/records';

const FIELDS: readonly Case[] = [
  ['no name', 'POST', SERVERS, server({ name: undefined }), 400, INVALID, 'server.name'],
  ['an empty name', 'POST', SERVERS, server({ name: '' }), 400, INVALID, 'server.name'],
  ['a name of 256 characters', 'POST', SERVERS, server({ name: 'n'.repeat(256) }), 400, INVALID, 'server.name'],
  ['a name that is a number', 'POST', SERVERS, server({ name: 5 }), 400, INVALID, 'server.name'],
  ['an unknown type', 'POST', SERVERS, server({ type: 'ORACLE' }), 400, INVALID, 'server.type'],
  ['no type', 'POST', SERVERS, server({ type: undefined }), 400, INVALID, 'server.type'],
  ['port 0', 'POST', SERVERS, server({ port: 0 }), 400, INVALID, 'server.port'],
  ['port 65536', 'POST', SERVERS, server({ port: 65_536 }), 400, INVALID, 'server.port'],
  ['a port that is a word', 'POST', SERVERS, server({ port: 'http' }), 400, INVALID, 'server.port'],
  ['half a port', 'POST', SERVERS, server({ port: 80.5 }), 400, INVALID, 'server.port'],
  ['no host', 'POST', SERVERS, server({ host: '' }), 400, INVALID, 'server.host'],
  ['a URL for a host', 'POST', SERVERS, server({ host: 'http://a.org/' }), 400, INVALID, 'server.host'],
  [
    'a host of the cloud’s own',
    'POST',
    SERVERS,
    server({ host: '169.254.169.254' }),
    400,
    'HOST_NOT_ALLOWED',
    'server.host',
  ],
  ['an unknown field', 'POST', SERVERS, server({ colour: 'red' }), 400, INVALID, 'server.colour'],
  [
    'an unknown option',
    'POST',
    SERVERS,
    server({ config: { colour: 1 } }),
    400,
    'INVALID_SERVER_CONFIG',
    'server.config.colour',
  ],
  ['a name that is taken', 'POST', SERVERS, server({ name: 'taken' }), 409, 'SERVER_EXISTS', 'server.name'],
  ['an unknown field to change', 'PATCH', '/v1/servers/{server}', { colour: 1 }, 400, INVALID, 'server.colour'],
  ['an old etag', 'PATCH', '/v1/servers/{server}', { name: 'x', etag: '"0"' }, 412, 'ETAG_MISMATCH'],
  ['an id that is none', 'GET', '/v1/servers/5', undefined, 400, INVALID, 'serverId'],
  ['an id of nothing', 'GET', `/v1/servers/${crypto.randomUUID()}`, undefined, 404, 'SERVER_NOT_FOUND'],
  ['no dimension', 'POST', DATABASES, database({ dimension: undefined }), 400, INVALID, 'database.dimension'],
  ['dimension 65537', 'POST', DATABASES, database({ dimension: 65_537 }), 400, INVALID, 'database.dimension'],
  ['an unknown metric', 'POST', DATABASES, database({ metric: 'MANHATTAN' }), 400, INVALID, 'database.metric'],
  ['no server', 'POST', DATABASES, database({ serverId: undefined }), 400, INVALID, 'database.serverId'],
  [
    'a database’s name that is taken',
    'POST',
    DATABASES,
    database({ name: 'taken' }),
    409,
    'DATABASE_EXISTS',
    'database.name',
  ],
  ['a role of one’s own choice', 'PATCH', '/v1/users/me', { role: 'ADMIN' }, 403, 'PERMISSION_DENIED'],
  ['no such path', 'GET', '/v1/nothing', undefined, 404, 'ROUTE_NOT_FOUND'],
  ['no such method', 'PUT', SERVERS, server({}), 405, 'METHOD_NOT_ALLOWED'],
];

const DATABASE = '/v1/databases/{database}';
const STRANGER = crypto.randomUUID();
const prefer = (readPreference: object) => ({ readPreference });
const goBack = (failBack: object) => ({ failBack });

const PREFERENCES: readonly Case[] = [
  ['a weight of 101', 'PATCH', DATABASE, prefer({ weights: { '{server}': 101 } }), 400, INVALID],
  ['a weight that is a word', 'PATCH', DATABASE, prefer({ weights: { '{server}': 'all' } }), 400, INVALID],
  ['a weight of no server', 'PATCH', DATABASE, prefer({ weights: { [STRANGER]: 1 } }), 404, 'SERVER_NOT_FOUND'],
  ['a pin to no server', 'PATCH', DATABASE, prefer({ pinnedServerId: STRANGER }), 404, 'SERVER_NOT_FOUND'],
  ['a pin that is no id', 'PATCH', DATABASE, prefer({ pinnedServerId: 'here' }), 400, INVALID],
  ['a policy of nobody', 'PATCH', DATABASE, goBack({ policy: 'SOMETIMES' }), 400, INVALID, 'database.failBack.policy'],
  ['a delay of two days', 'PATCH', DATABASE, goBack({ delay: '172800s' }), 400, INVALID, 'database.failBack.delay'],
  ['a delay that is none', 'PATCH', DATABASE, goBack({ delay: 'soon' }), 400, INVALID, 'database.failBack.delay'],
];

const LISTS: readonly Case[] = [
  [
    'a page token that is none',
    'GET',
    `${SERVERS}?pageToken=nonsense`,
    undefined,
    400,
    'INVALID_PAGE_TOKEN',
    'pageToken',
  ],
  ['a negative page size', 'GET', `${SERVERS}?pageSize=-1`, undefined, 400, INVALID, 'pageSize'],
  ['a page size that is a word', 'GET', `${SERVERS}?pageSize=all`, undefined, 400, INVALID, 'pageSize'],
  [
    'a list filter on nothing known',
    'GET',
    `${SERVERS}?filter=colour%3D%22red%22`,
    undefined,
    400,
    'INVALID_LIST_FILTER',
    'filter',
  ],
  ['an order by nothing known', 'GET', `${SERVERS}?orderBy=colour`, undefined, 400, 'INVALID_LIST_FILTER', 'orderBy'],
  ['an unknown parameter', 'GET', `${SERVERS}?colour=red`, undefined, 400, INVALID, 'colour'],
  [
    'a scroll’s token that is none',
    'POST',
    `${RECORDS}:scroll`,
    { pageToken: 'x' },
    400,
    'INVALID_PAGE_TOKEN',
    'pageToken',
  ],
];

const BODIES: readonly Case[] = [
  ['no JSON', 'POST', SERVERS, '{"name": ', 400, 'MALFORMED_BODY'],
  ['a name twice', 'POST', SERVERS, '{"name":"a","name":"b"}', 400, 'MALFORMED_BODY'],
  ['a list', 'POST', SERVERS, '[]', 400, INVALID, 'server'],
  ['NaN, which JSON has not', 'POST', `${RECORDS}:query`, '{"vector":[NaN,0,0]}', 400, 'MALFORMED_BODY'],
  ['bytes that are not UTF-8', 'POST', SERVERS, Buffer.from('{"name":"\xff"}', 'latin1'), 400, 'MALFORMED_BODY'],
  ['more than the limit', 'POST', SERVERS, `"${'x'.repeat(33 * 1024 * 1024)}"`, 413, 'BODY_TOO_LARGE'],
];

const VECTORS: readonly Case[] = [
  [
    'another dimension',
    'POST',
    `${RECORDS}:upsert`,
    upsert({ vector: [1, 0] }),
    400,
    'DIMENSION_MISMATCH',
    'records[0].vector',
  ],
  ['another dimension in a query', 'POST', `${RECORDS}:query`, { vector: [1] }, 400, 'DIMENSION_MISMATCH', 'vector'],
  ['"NaN"', 'POST', `${RECORDS}:upsert`, upsert({ vector: ['NaN', 0, 0] }), 400, 'INVALID_VECTOR', 'records[0].vector'],
  ['"Infinity"', 'POST', `${RECORDS}:query`, { vector: ['Infinity', 0, 0] }, 400, 'INVALID_VECTOR', 'vector'],
  [
    'the zero vector',
    'POST',
    `${RECORDS}:upsert`,
    upsert({ vector: [0, 0, 0] }),
    400,
    'INVALID_VECTOR',
    'records[0].vector',
  ],
  ['no vector', 'POST', `${RECORDS}:query`, {}, 400, INVALID, 'vector'],
  ['no records', 'POST', `${RECORDS}:upsert`, { records: [] }, 400, INVALID, 'records'],
  ['no id', 'POST', `${RECORDS}:upsert`, upsert({ id: '' }), 400, INVALID, 'records[0].id'],
  ['an id of 513 bytes', 'POST', `${RECORDS}:upsert`, upsert({ id: 'x'.repeat(513) }), 400, INVALID, 'records[0].id'],
  [
    'a metadata key of a vendor’s own',
    'POST',
    `${RECORDS}:upsert`,
    upsert({ metadata: { $where: 1 } }),
    400,
    INVALID,
    'records[0].metadata',
  ],
  [
    'one bad record of two',
    'POST',
    `${RECORDS}:upsert`,
    { records: [record({ id: 'b' }), record({ vector: [1] })] },
    400,
    'DIMENSION_MISMATCH',
    'records[1].vector',
  ],
  ['topK 1001', 'POST', `${RECORDS}:query`, { vector: [1, 0, 0], topK: 1001 }, 400, INVALID, 'topK'],
  [
    'an unknown comparison',
    'POST',
    `${RECORDS}:count`,
    { filter: { field: 'a', op: 'LIKE', value: 'x' } },
    400,
    INVALID,
    'filter.op',
  ],
  [
    'one of what is no list',
    'POST',
    `${RECORDS}:count`,
    { filter: { field: 'a', op: 'IN', value: 'x' } },
    400,
    'INVALID_FILTER',
    'filter.value',
  ],
  ['a filter that is none', 'POST', `${RECORDS}:count`, { filter: {} }, 400, 'INVALID_FILTER', 'filter'],
  [
    'ids and a filter',
    'POST',
    `${RECORDS}:delete`,
    { ids: ['a'], filter: { field: 'a', op: 'EXISTS' } },
    400,
    INVALID,
    '',
  ],
  [
    'a consistency token that is none',
    'POST',
    `${RECORDS}:query`,
    { vector: [1, 0, 0], token: 'x' },
    400,
    'INVALID_CONSISTENCY_TOKEN',
    'token',
  ],
];

describe.each([
  ['fields', FIELDS],
  ['preferences', PREFERENCES],
  ['lists', LISTS],
  ['bodies', BODIES],
  ['vectors and filters', VECTORS],
])('%s', (_name, cases) => {
  it.each([...cases])('%s', async (...row) => {
    const [, method, path, body, status, reason, field] = row;
    expectRefusal(await call(method, path, body), { status, reason, field });
  });
});

describe('headers', () => {
  it.each([
    ['another content type', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE', 'Content-Type'],
    ['a compressed body', { 'content-encoding': 'gzip' }, 415, 'UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding'],
    ['a wrong credential', { authorization: 'Bearer x.y.z' }, 401, 'UNAUTHENTICATED', undefined],
    ['two credentials', { 'x-api-key': 'mrg_x' }, 400, 'INVALID_ARGUMENT', 'X-API-Key'],
  ])('%s', async (_what, headers, status, reason, field) => {
    expectRefusal(await call('POST', SERVERS, server({}), headers), { status, reason, field });
  });
});

it('leaves everything as it was', async () => {
  expect(await everything()).toEqual(before);
});

it('takes a preference as it is told, and nothing for none', async () => {
  const readPreference = { labels: { region: 'eu' }, weights: { '{server}': 50 }, pinnedServerId: '{server}' };
  const failBack = { policy: 'AUTOMATIC', delay: '90s' };
  const told = await call('PATCH', DATABASE, { readPreference, failBack });
  const weights = { [ids.server ?? '']: 50 };
  const stored = { labels: { region: 'eu' }, weights, pinnedServerId: ids.server };
  expect(told).toMatchObject({ status: 200, body: { readPreference: stored, failBack } });
  const cleared = await call('PATCH', DATABASE, { readPreference: {}, failBack: {} });
  expect(cleared).toMatchObject({ status: 200, body: { failBack: { policy: 'MANUAL', delay: '60s' } } });
});
