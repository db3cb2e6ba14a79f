import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { as, type HostFixture, SERVER_ID, startHost } from '../../test/fixture.ts';

const GET_SERVER = '/morag.servers.v1.ServerService/GetServer';
const WAITING = '/morag.servers.v1.ServerService/TestConnection';
const BODY = JSON.stringify({ serverId: SERVER_ID });
const HEADERS = { 'content-type': 'application/json', ...as('admin').headers };
const HEAD = { ':method': 'POST', ':path': GET_SERVER, ...HEADERS };

let fixture: HostFixture;

beforeAll(async () => {
  fixture = await startHost({
    server: {
      getServer: ({ serverId }) => create(ServerSchema, { id: serverId }),
      async testConnection(_request, { signal }) {
        if (!signal.aborted) await once(signal, 'abort');
        throw signal.reason;
      },
    },
  });
});
afterAll(() => fixture.host.stop());

async function expectAlive(): Promise<void> {
  const response = await fetch(fixture.baseUrl + GET_SERVER, { method: 'POST', body: BODY, headers: HEADERS });
  expect(await response.json()).toEqual({ id: SERVER_ID });
}

async function openSession(): Promise<ClientHttp2Session> {
  const session = connectHttp2(fixture.baseUrl);
  session.on('error', () => {});
  await once(session, 'connect');
  return session;
}

it('a client that opens streams and resets each at once costs the others nothing', async () => {
  const session = await openSession();
  const closed = new Promise((resolve) => session.once('close', resolve));
  for (let n = 0; n < 2_000 && !session.destroyed; n += 1) {
    const stream = session.request(HEAD);
    stream.on('error', () => {});
    stream.close(constants.NGHTTP2_CANCEL);
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  await expectAlive();
  session.destroy();
  await closed;
  await expectAlive();
});

it('a head without an end is cut off, over HTTP/1.1 with 431', async () => {
  const socket = connect(Number(new URL(fixture.baseUrl).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`POST ${GET_SERVER} HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`);
  expect(await text(socket)).toContain('HTTP/1.1 431 ');
  await expectAlive();
});

it('a head without an end is cut off over HTTP/2 too', async () => {
  const session = await openSession();
  const stream = session.request({ ...HEAD, x: 'a'.repeat(100_000) });
  const outcome = Promise.withResolvers<unknown>();
  stream.on('response', (headers) => outcome.resolve(headers[':status']));
  stream.on('error', () => outcome.resolve('reset'));
  stream.on('close', () => outcome.resolve('reset'));
  stream.end(BODY);
  expect(await outcome.promise).toBe('reset');
  session.destroy();
  await expectAlive();
});

it.each(['0', '1'])('a deadline of %s ms is one, not none', async (value) => {
  const response = await fetch(fixture.baseUrl + WAITING, {
    method: 'POST',
    body: BODY,
    headers: { ...HEADERS, 'connect-timeout-ms': value },
  });
  expect(response.status).toBe(504);
  expect(await response.json()).toMatchObject({ code: 'deadline_exceeded' });
  await expectAlive();
});
