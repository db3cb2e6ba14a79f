import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { UpdateServerRequest } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import type { InjectOptions } from 'fastify';
import { createTestGateway, type TestGateway } from './testing/gateway.ts';
import { KNOWN_ID } from './testing/services.ts';

let test: TestGateway;

beforeAll(async () => {
  test = await createTestGateway({}, { corsOrigins: ['https://app.example'] });
});
beforeEach(() => test.services.clear());
afterAll(() => test.gateway.stop());

async function call(method: string, url: string, options: Omit<InjectOptions, 'method' | 'url'> = {}) {
  const response = await test.gateway.app.inject({ method: method as 'GET', url, ...options });
  return { status: response.statusCode, headers: response.headers, text: response.body, json: () => response.json() };
}

function sendJson(method: string, url: string, text: string, headers: Record<string, string> = {}) {
  return call(method, url, { payload: text, headers: { 'content-type': 'application/json', ...headers } });
}

describe('an answer', () => {
  it('is the resource, bare, with its defaults, its tag and no secret', async () => {
    const { status, headers, json } = await call('GET', `/v1/servers/${KNOWN_ID}`);
    expect(status).toBe(200);
    expect(headers.etag).toBe('"v1"');
    expect(json()).toMatchObject({ id: KNOWN_ID, name: 'one', type: 'CHROMA', isActive: false, labels: {} });
    expect(json()).not.toHaveProperty('password');
    expect(json()).not.toHaveProperty('apiKey');
  });

  it('is a list under its noun, empty ones too', async () => {
    expect((await call('GET', '/v1/servers')).json()).toEqual({ servers: [], nextPageToken: '' });
    const { json } = await sendJson('POST', `/v1/databases/${KNOWN_ID}/records:query`, '{"vector":[1]}');
    expect(json()).toEqual({ hits: [], servedBy: '', staleness: 0 });
  });

  it('carries the request id, and headers that keep browsers careful', async () => {
    const { headers } = await call('GET', '/v1/servers', { headers: { 'x-request-id': 'abc-1' } });
    expect(headers).toMatchObject({ 'x-request-id': 'abc-1', 'x-content-type-options': 'nosniff' });
    expect(test.services.last().header.get('x-request-id')).toBe('abc-1');
    const other = await call('GET', '/v1/servers', { headers: { 'x-request-id': 'a b\u00e9' } });
    expect(other.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('to HEAD has no body', async () => {
    const { status, text, headers } = await call('HEAD', `/v1/servers/${KNOWN_ID}`);
    expect({ status, text, etag: headers.etag }).toEqual({ status: 200, text: '', etag: '"v1"' });
  });
});

describe('a long-running operation', () => {
  const path = `/v1/operations/${KNOWN_ID}`;

  it('is told with what it is about', async () => {
    const { status, json } = await call('GET', path);
    expect(status).toBe(200);
    expect(json()).toMatchObject({
      name: `operations/${KNOWN_ID}`,
      done: false,
      metadata: {
        '@type': 'type.googleapis.com/morag.servers.v1.DatabaseOperationMetadata',
        databaseId: KNOWN_ID,
        percentage: 40,
        stage: 'verifying',
      },
    });
  });

  it('is listed, cancelled and forgotten', async () => {
    expect((await call('GET', '/v1/operations?pageSize=5')).json()).toMatchObject({ operations: [] });
    expect(test.services.last().message).toMatchObject({ name: 'operations', pageSize: 5 });
    expect((await sendJson('POST', `${path}:cancel`, '{}')).status).toBe(200);
    expect(test.services.last()).toMatchObject({
      method: 'CancelOperation',
      message: { name: `operations/${KNOWN_ID}` },
    });
    expect((await call('DELETE', path)).status).toBe(200);
    expect(test.services.last()).toMatchObject({ method: 'DeleteOperation' });
  });
});

describe('a request', () => {
  it('drops what only the server sets, and passes the rest', async () => {
    const body = {
      name: 'a',
      type: 'QDRANT',
      port: 6333,
      password: 'secret',
      isActive: true,
      id: 7,
      config: { a: { b: 1 } },
    };
    const { status, json, text } = await sendJson('POST', '/v1/servers', JSON.stringify(body));
    expect(status).toBe(200);
    expect(json()).toMatchObject({ id: KNOWN_ID, isActive: false, config: { a: { b: 1 } } });
    expect(text).not.toContain('secret');
    expect(test.services.last<{ server: unknown }>().message.server).toMatchObject({ password: 'secret', id: '' });
  });

  it('passes the credential on, whichever header holds it', async () => {
    await call('GET', '/v1/servers', { headers: { authorization: 'Bearer token' } });
    expect(test.services.last().header.get('authorization')).toBe('Bearer token');
    await call('GET', '/v1/servers', { headers: { 'x-api-key': 'mrg_a_b' } });
    expect(test.services.last().header.get('authorization')).toBe('Bearer mrg_a_b');
    const both = await call('GET', '/v1/servers', {
      headers: { 'x-api-key': 'mrg_a_b', authorization: 'Bearer token' },
    });
    expect(both.json()).toMatchObject({ status: 400, violations: [{ field: 'X-API-Key' }] });
    const query = await call('GET', '/v1/servers?apiKey=mrg_a_b');
    expect(query.json()).toMatchObject({ status: 400, violations: [{ field: 'apiKey' }] });
  });

  it('tells the address of its client, and no header can', async () => {
    await call('GET', '/v1/servers', { headers: { 'x-forwarded-for': '6.6.6.6' }, remoteAddress: '10.1.2.3' });
    expect(test.services.last().header.get('x-forwarded-for')).toBe('10.1.2.3');
  });

  it('names its deadline in seconds', async () => {
    await call('GET', '/v1/servers', { headers: { 'request-timeout': '1.5' } });
    expect(test.services.last().header.get('connect-timeout-ms')).toBe('1500');
    await call('GET', '/v1/servers');
    expect(test.services.last().header.get('connect-timeout-ms')).toBe('30000');
    for (const header of ['0', '-1', '601', 'soon', '1e2', '']) {
      const { json } = await call('GET', '/v1/servers', { headers: { 'request-timeout': header } });
      expect(json()).toMatchObject({ status: 400, violations: [{ field: 'Request-Timeout' }] });
    }
  });

  it('of a vector is read without loss', async () => {
    const vector = Array.from({ length: 384 }, (_, index) => Math.fround(Math.sin(index)));
    await sendJson('POST', `/v1/databases/${KNOWN_ID}/records:query`, JSON.stringify({ vector, topK: 3 }));
    expect(test.services.last<{ vector: number[] }>().message.vector).toEqual(vector);
  });

  it('carries metadata as deep as a body may be', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(28)}1${'}'.repeat(28)}`) as object;
    const body = { records: [{ id: 'x', vector: [1], metadata: deep }] };
    const { status } = await sendJson('POST', `/v1/databases/${KNOWN_ID}/records:upsert`, JSON.stringify(body));
    expect(status).toBe(200);
    expect(test.services.last<{ records: { metadata: object }[] }>().message.records[0]?.metadata).toEqual(deep);
  });
});

describe('PATCH', () => {
  const masked = async (text: string, url = `/v1/servers/${KNOWN_ID}`, headers = {}) => {
    const { status } = await sendJson('PATCH', url, text, headers);
    const { updateMask, server } = test.services.last<UpdateServerRequest>().message;
    return { status, paths: updateMask?.paths, server };
  };

  it('changes what the body names, null meaning to clear', async () => {
    const { paths, server } = await masked(
      '{"name":"b","is_active":true,"labels":null,"config":{"x":1},"etag":"\\"v1\\"","id":"x"}',
    );
    expect(paths?.toSorted()).toEqual(['config', 'labels', 'name']);
    expect(server).toMatchObject({ name: 'b', labels: {}, config: { x: 1 }, etag: '"v1"' });
  });

  it('keeps a mask of its own, and an empty body changes nothing', async () => {
    expect((await masked('{"name":"b","host":"h"}', `/v1/servers/${KNOWN_ID}?updateMask=name`)).paths).toEqual([
      'name',
    ]);
    expect((await masked('{}')).paths).toEqual([]);
  });

  it('takes the tag from If-Match, and answers with the new one', async () => {
    const { server } = await masked('{"name":"b"}', undefined, { 'if-match': '"v1"' });
    expect(server?.etag).toBe('"v1"');
    const { headers } = await sendJson('PATCH', `/v1/servers/${KNOWN_ID}`, '{}', { 'if-match': '"v1"' });
    expect(headers.etag).toBe('"v2"');
  });

  it.each([
    ['PATCH', `/v1/servers/${KNOWN_ID}`, '{"etag":"\\"v1\\""}', '"v2"', 'differs from etag'],
    ['PATCH', `/v1/servers/${KNOWN_ID}`, '{}', 'v1', 'must be one entity tag'],
    ['PATCH', `/v1/servers/${KNOWN_ID}`, '{}', '"v1", "v2"', 'must be one entity tag'],
    ['POST', `/v1/servers/${KNOWN_ID}:testConnection`, '{}', '"v1"', 'cannot be checked'],
  ])('refuses a condition it cannot hold: %s %s %s %s', async (method, url, text, tag, description) => {
    const { json } = await sendJson(method, url, text, { 'if-match': tag });
    expect(json()).toMatchObject({
      status: 400,
      violations: [{ field: 'If-Match', description: expect.stringContaining(description) }],
    });
  });
});

it('takes Idempotency-Key for request_id, where there is one', async () => {
  await sendJson('POST', '/v1/servers', '{"name":"a"}', { 'idempotency-key': 'k1' });
  expect(test.services.last<{ requestId: string }>().message.requestId).toBe('k1');
  const { json } = await sendJson('POST', '/v1/servers?requestId=k2', '{"name":"a"}', { 'idempotency-key': 'k1' });
  expect(json()).toMatchObject({ status: 400, violations: [{ field: 'Idempotency-Key' }] });
  const without = await sendJson('POST', `/v1/servers/${KNOWN_ID}:testConnection`, '{}', { 'idempotency-key': 'k1' });
  expect(without.status).toBe(200);
});

it('serves further bindings of a method, their body rule included', async () => {
  const saved = await sendJson('POST', `/v1/servers/${KNOWN_ID}:testConnection`, '{"timeout":"1.5s"}');
  expect(saved.json()).toMatchObject({ success: true, responseTimeMs: 1.5, serverInfo: { version: '1.0' } });
  expect(test.services.last<{ serverId: string }>().message.serverId).toBe(KNOWN_ID);
  await sendJson('POST', '/v1/servers:testConnection', '{"type":"CHROMA","host":"h","port":8000}');
  expect(test.services.last<{ server: object }>().message.server).toMatchObject({ host: 'h', port: 8000 });
});

describe('a problem', () => {
  const problem = (status: number, reason: string, more: object = {}) => ({
    type: `urn:morag:error:${reason}`,
    status,
    ...more,
  });
  const violation = (field: string) => ({ violations: [{ field, description: expect.any(String) }] });

  it.each<[string, string, string | undefined, { status: number }]>([
    ['GET', '/v1/nothing', undefined, problem(404, 'ROUTE_NOT_FOUND')],
    ['GET', '/%', undefined, problem(400, 'INVALID_ARGUMENT')],
    ['GET', '/v1/servers/%ff', undefined, problem(400, 'INVALID_ARGUMENT')],
    ['PUT', '/v1/servers', '{}', problem(405, 'METHOD_NOT_ALLOWED', { metadata: { allow: 'GET, HEAD, POST' } })],
    ['GET', '/v1/servers/other', undefined, problem(404, 'SERVER_NOT_FOUND', { metadata: { serverId: 'other' } })],
    ['GET', `/v1/users/${KNOWN_ID}`, undefined, problem(401, 'UNAUTHENTICATED')],
    ['GET', '/v1/users', undefined, problem(429, 'OVERLOADED')],
    ['GET', '/v1/servers?pageSize=x', undefined, problem(400, 'INVALID_ARGUMENT', violation('pageSize'))],
    ['POST', '/v1/servers', '{"nam":1}', problem(400, 'INVALID_ARGUMENT', violation('server.nam'))],
    ['POST', '/v1/servers', '{"port":65536.5}', problem(400, 'INVALID_ARGUMENT', violation('server.port'))],
    ['POST', '/v1/servers', '{"a":1,"a":1}', problem(400, 'MALFORMED_BODY')],
    ['POST', '/v1/servers', '{', problem(400, 'MALFORMED_BODY')],
    ['POST', '/v1/memories', '{}', problem(501, 'NOT_YET_AVAILABLE')],
    ['POST', '/morag.servers.v1.ServerService/PurgeOwner', '{}', problem(404, 'ROUTE_NOT_FOUND')],
  ])('answers %s %s %s', async (method, url, text, expected) => {
    const answer = text === undefined ? await call(method, url) : await sendJson(method, url, text);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json()).toMatchObject({
      title: expect.any(String),
      detail: expect.any(String),
      code: expect.any(String),
      requestId: answer.headers['x-request-id'],
      ...expected,
    });
    expect(answer.status).toBe(expected.status);
  });

  it('tells how to go on', async () => {
    expect((await call('GET', `/v1/users/${KNOWN_ID}`)).headers['www-authenticate']).toBe('Bearer');
    expect((await call('GET', '/v1/users')).headers['retry-after']).toBe('3');
    expect((await call('DELETE', '/v1/servers')).headers.allow).toBe('GET, HEAD, POST');
  });

  it.each([
    ['text/plain', '{}'],
    ['application/json; charset=latin1', '{}'],
    ['application/x-www-form-urlencoded', 'name=a'],
    ['nonsense', '{}'],
  ])('refuses a body of type %s', async (type, payload) => {
    const { json } = await call('POST', '/v1/servers', { payload, headers: { 'content-type': type } });
    expect(json()).toMatchObject({ status: 415, type: 'urn:morag:error:UNSUPPORTED_MEDIA_TYPE' });
  });

  it('refuses a compressed body', async () => {
    const { json } = await sendJson('POST', '/v1/servers', '{}', { 'content-encoding': 'gzip' });
    expect(json()).toMatchObject({ status: 415, violations: [{ field: 'Content-Encoding' }] });
  });

  it('refuses a body that says, or turns out, to be too large', async () => {
    const payload = `{"name":"${'x'.repeat(33 * 1024 * 1024)}"}`;
    const { json } = await sendJson('POST', '/v1/servers', payload);
    expect(json()).toMatchObject({ status: 413, type: 'urn:morag:error:BODY_TOO_LARGE' });
  });

  it('comes without a stack, and goes to the log without the path', async () => {
    test.log.length = 0;
    await call('GET', '/v1/servers/other?secret=1');
    expect(test.log).toHaveLength(1);
    expect(JSON.parse(test.log[0] ?? '')).toMatchObject({ route: 'GET /v1/servers/{server_id}', status: 400 });
    expect(test.log[0]).not.toContain('secret');
  });
});

describe('CORS', () => {
  it('answers the origins of the setting', async () => {
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'PATCH' };
    const { status, headers } = await call('OPTIONS', '/v1/servers', { headers: preflight });
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe('https://app.example');
    expect(headers['access-control-allow-headers']).toContain('Idempotency-Key');
    const { headers: read } = await call('GET', '/v1/servers', { headers: { origin: 'https://app.example' } });
    expect(read['access-control-expose-headers']).toContain('ETag');
  });

  it('says nothing to others', async () => {
    const { headers } = await call('GET', '/v1/servers', { headers: { origin: 'https://evil.example' } });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
});
