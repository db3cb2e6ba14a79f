import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { as, type HostFixture, SERVER_ID, startHost } from '../../test/fixture.ts';

const GET_SERVER = '/morag.servers.v1.ServerService/GetServer';

let fixture: HostFixture;
let ready = true;

beforeAll(async () => {
  fixture = await startHost(
    { server: { getServer: ({ serverId }) => create(ServerSchema, { id: serverId }) } },
    { readiness: async () => ({ database: ready, cache: true }), limits: { messageBytesMax: 1_000 } },
  );
});
afterAll(() => fixture.host.stop());

const call = (path: string, init: RequestInit = {}): Promise<Response> => fetch(fixture.baseUrl + path, init);
const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> =>
  call(GET_SERVER, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...as('admin').headers, ...headers },
  });

/** Decoded details of a Connect error. */
async function refusal(response: Response) {
  const { code, message, details } = (await response.json()) as {
    code: string;
    message: string;
    details: { type: string; debug: Record<string, unknown> }[];
  };
  const detail = (type: string) => details.find((each) => each.type === `google.rpc.${type}`)?.debug;
  return {
    code,
    message,
    reason: detail('ErrorInfo')?.reason,
    request: detail('RequestInfo'),
    bad: detail('BadRequest'),
  };
}

describe('a call by plain JSON', () => {
  it('answers JSON', async () => {
    const response = await post(JSON.stringify({ serverId: SERVER_ID }));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ id: SERVER_ID });
  });

  it.each([
    ['broken JSON', '{"serverId":', {}, 400, 'MALFORMED_BODY'],
    ['another JSON value', '[]', {}, 400, 'MALFORMED_BODY'],
    ['an unknown field', '{"serverName":"x"}', {}, 400, 'INVALID_ARGUMENT'],
    ['a wrong type', '{"serverId":7}', {}, 400, 'INVALID_ARGUMENT'],
    ['an invalid value', '{"serverId":"x"}', {}, 400, 'INVALID_ARGUMENT'],
    ['another content type', '{}', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a body over the limit', ' '.repeat(2_000), {}, 429, 'BODY_TOO_LARGE'],
    ['a malformed deadline', '{}', { 'connect-timeout-ms': 'soon' }, 400, 'MALFORMED_BODY'],
    ['an unknown compression', '{}', { 'content-encoding': 'lzma' }, 400, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a wrong credential', '{}', { authorization: 'Bearer nobody' }, 401, 'UNAUTHENTICATED'],
    ['another scheme', '{}', { authorization: 'Basic YTpi' }, 401, 'UNAUTHENTICATED'],
  ])('refuses %s with reason and request id', async (_, body, headers, status, reason) => {
    const response = await post(body, headers);
    const error = await refusal(response);
    expect({ status: response.status, reason: error.reason }).toEqual({ status, reason });
    expect(error.request).toEqual({ requestId: response.headers.get('x-request-id') });
  });

  it.each([
    ['{"serverName":"x"}', 'serverName', 'is unknown'],
    ['{"serverId":7}', 'serverId', 'expected string, got 7'],
  ])('names the field of %s', async (body, field, description) => {
    const { bad, message } = await refusal(await post(body));
    expect(bad).toEqual({ fieldViolations: [{ field, description }] });
    expect(message).toBe(`${field}: ${description}`);
  });

  it('refuses bytes that are no message', async () => {
    const response = await post(new Uint8Array([0xff]), { 'content-type': 'application/proto' });
    expect(response.status).toBe(400);
    expect((await refusal(response)).reason).toBe('MALFORMED_BODY');
  });

  it('takes the credential from x-api-key', async () => {
    const response = await call(GET_SERVER, {
      method: 'POST',
      body: JSON.stringify({ serverId: SERVER_ID }),
      headers: { 'content-type': 'application/json', 'x-api-key': 'admin' },
    });
    expect(response.status).toBe(200);
  });

  it('refuses a message that does not come', async () => {
    const { host, baseUrl } = await startHost({}, { limits: { deadlineMsMax: 100 } });
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) });
    const headers = { 'content-type': 'application/json', ...as('admin').headers };
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, headers, duplex: 'half' };
    const response = await fetch(baseUrl + GET_SERVER, init);
    expect((await refusal(response)).reason).toBe('DEADLINE_EXCEEDED');
    await host.stop();
  });

  it('refuses another HTTP method', async () => {
    const response = await call(GET_SERVER);
    expect(response.status).toBe(405);
    expect((await refusal(response)).reason).toBe('METHOD_NOT_ALLOWED');
  });

  it('keeps a well-formed request id and replaces any other', async () => {
    const body = JSON.stringify({ serverId: SERVER_ID });
    const given = await post(body, { 'x-request-id': 'trace:1/2' });
    expect(given.headers.get('x-request-id')).toBe('trace:1/2');
    const replaced = await post(body, { 'x-request-id': 'a b' });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it('serves the next call on a connection whose last body it did not read', async () => {
    expect((await post('x'.repeat(900_000))).status).toBe(429);
    expect((await post(JSON.stringify({ serverId: SERVER_ID }))).status).toBe(200);
  });

  it('answers an unknown path with a problem', async () => {
    const response = await call('/morag.servers.v1.ServerService/Nope', { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ type: 'urn:morag:error:ROUTE_NOT_FOUND', status: 404 });
  });
});

describe('the probes', () => {
  it('/livez tells that the process answers', async () => {
    const response = await call('/livez');
    expect({ status: response.status, body: await response.json() }).toEqual({ status: 200, body: { live: true } });
  });

  it('/readyz names the checks, and with 503 those that fail', async () => {
    const good = await call('/readyz');
    expect(good.status).toBe(200);
    expect(await good.json()).toEqual({
      ready: true,
      service: 'test',
      checks: { serving: true, database: true, cache: true },
      failed: [],
    });
    ready = false;
    const bad = await call('/readyz');
    ready = true;
    expect(bad.status).toBe(503);
    expect(await bad.json()).toMatchObject({ ready: false, failed: ['database'] });
  });

  it('/metrics counts calls by method and code', async () => {
    await post(JSON.stringify({ serverId: SERVER_ID }));
    await post('{"serverId":"x"}');
    const text = await (await call('/metrics')).text();
    const method = 'morag.servers.v1.ServerService/GetServer';
    expect(text).toMatch(new RegExp(`morag_rpc_server_duration_seconds_count{.*method="${method}",code="ok".*} \\d+`));
    expect(text).toMatch(new RegExp(`_count{.*method="${method}",code="invalid_argument".*} \\d+`));
    expect(text).toMatch(/morag_rpc_server_in_flight{service="test"} 0/);
  });
});

describe('the access log', () => {
  it('has one line a call, with who and what and how long, and no credential', async () => {
    fixture.lines.length = 0;
    await post(JSON.stringify({ serverId: SERVER_ID }), { 'x-request-id': 'good' });
    await post('{"serverId":"x"}', { 'x-request-id': 'invalid' });
    await post('{', { 'x-request-id': 'malformed' });
    expect(fixture.lines).toEqual([
      expect.objectContaining({ rpc: GET_SERVER.slice(1), code: 'ok', requestId: 'good', principalId: 'admin' }),
      expect.objectContaining({ code: 'invalid_argument', reason: 'INVALID_ARGUMENT', requestId: 'invalid' }),
      expect.objectContaining({ code: 'invalid_argument', reason: 'MALFORMED_BODY', requestId: 'malformed' }),
    ]);
    expect(fixture.lines[0]?.ms).toEqual(expect.any(Number));
    expect(JSON.stringify(fixture.lines)).not.toContain('Bearer');
  });
});
