import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestGateway, type TestGateway } from '../testing/gateway.ts';

let test: TestGateway;
let port: number;

beforeAll(async () => {
  test = await createTestGateway();
  ({ port } = await test.gateway.start());
});
afterAll(() => test.gateway.stop(100));

/** Sends bytes as they are, and answers all that comes back until the connection closes. */
async function send(...pieces: (string | Buffer)[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) socket.write(piece);
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk as string;
  return text;
}

function parse(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const [status = '', ...headers] = head.toLowerCase().split('\r\n');
  return { status: Number(status.split(' ')[1]), headers, body };
}

const CLOSE = 'host: x\r\nconnection: close\r\n';

describe('a request that is not HTTP, or too much of it', () => {
  it.each([
    ['garbage', ['GARBAGE\r\n\r\n'], 400],
    ['headers without an end', [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`], 431],
    ['a path beyond the bound', [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${CLOSE}\r\n`], 431],
    ['two lengths', [`POST /v1/servers HTTP/1.1\r\n${CLOSE}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`], 400],
    [
      'a length and chunks',
      [`POST /v1/servers HTTP/1.1\r\n${CLOSE}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
      400,
    ],
    ['a space in a header name', [`GET / HTTP/1.1\r\n${CLOSE}x y: 1\r\n\r\n`], 400],
    ['a control character in a header', [`GET / HTTP/1.1\r\n${CLOSE}x: \u0001\r\n\r\n`], 400],
    ['the protocol of another', ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], 400],
  ])('%s is answered with a problem', async (_what, pieces, status) => {
    const answer = parse(await send(...pieces));
    expect(answer.status).toBe(status);
    expect(answer.headers).toContain('content-type: application/problem+json');
    const problem = JSON.parse(answer.body) as { status: number; requestId: string };
    expect(problem).toMatchObject({ status, type: 'urn:morag:error:INVALID_ARGUMENT' });
    expect(answer.headers).toContain(`x-request-id: ${problem.requestId}`);
  });

  it('without a host is refused', async () => {
    expect(parse(await send('GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n')).status).toBe(400);
  });

  it.each([
    ['GET', '/v1/%', 400],
    ['GET', '/v1/servers/%c3%28', 400],
    ['GET', '/v1/servers?x=%', 400],
    ['GET', '/v1/servers#fragment', 404],
    ['GET', '//v1/servers', 404],
    ['GET', '/v1/servers/%2e%2e%2fservers', 404],
    ['GET', 'http://other.example/v1/servers', 200],
    ['PURGE', '/v1/servers', 405],
    ['TRACE', '/v1/servers', 405],
    ['OPTIONS', '/v1/servers', 405],
    ['OPTIONS', '*', 404],
  ])('%s %s is answered with %i', async (method, target, status) => {
    expect(parse(await send(`${method} ${target} HTTP/1.1\r\n${CLOSE}\r\n`)).status).toBe(status);
  });
});

describe('a body', () => {
  const head = `POST /v1/servers HTTP/1.1\r\n${CLOSE}content-type: application/json\r\n`;

  it('in chunks is put together', async () => {
    const answer = await send(
      `${head}transfer-encoding: chunked\r\n\r\n8\r\n{"name":\r\n`,
      '4\r\n"ü"\r\n2\r\n  \r\n1\r\n}\r\n0\r\n\r\n',
    );
    expect(parse(answer).status).toBe(200);
    expect(answer).toContain('"name":"ü"');
  });

  it('that is announced too large is refused before it comes', async () => {
    const answer = parse(await send(`${head}content-length: 99999999999\r\n\r\n`));
    expect(answer.status).toBe(413);
  });

  it('that breaks off leaves nothing behind', async () => {
    const calls = test.services.calls.length;
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.write(`${head}content-length: 100\r\n\r\n{"name":`);
    socket.destroy();
    await once(socket, 'close');
    expect((await test.gateway.app.inject('/livez')).statusCode).toBe(200);
    expect(test.services.calls).toHaveLength(calls);
  });
});

it('answers requests that come in one piece one after the other', async () => {
  const answer = await send(`GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET /v1/nothing HTTP/1.1\r\n${CLOSE}\r\n`);
  expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '404']);
});
