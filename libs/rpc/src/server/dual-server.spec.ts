import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createDualServer, type DualServer } from './dual-server.ts';
import { sendJson } from './probes.ts';

let server: DualServer;
let port: number;

/** For those that say nothing the time is short; the others are not to be cut off on a machine that is busy. */
async function start(silenceMsMax: number): Promise<void> {
  server = createDualServer({
    handler: (req, res) => sendJson(res, 200, { version: req.httpVersion, path: req.url }),
    headerTimeoutMs: silenceMsMax,
    requestTimeoutMs: silenceMsMax + 700,
    idleTimeoutMs: silenceMsMax,
  });
  ({ port } = await server.listen(0, '127.0.0.1'));
}
afterEach(() => server.close(100));

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

describe('one port', () => {
  beforeEach(() => start(20_000));

  it('speaks HTTP/1.1', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/a`);
    expect(await response.json()).toEqual({ version: '1.1', path: '/a' });
  });

  it('speaks HTTP/2 with prior knowledge', async () => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/b' });
    expect(JSON.parse(await text(stream))).toEqual({ version: '2.0', path: '/b' });
    session.close();
  });

  it.each(['PRI * HTTP/2.0\r\n', 'POST /c HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'])(
    'tells %j by its first bytes, even when they come one by one',
    async (head) => {
      const socket = await open();
      socket.setNoDelay(true);
      for (const byte of head.slice(0, 4)) {
        await new Promise((resolve) => socket.write(byte, resolve));
      }
      socket.write(head.startsWith('PRI') ? `${head.slice(4)}\r\nSM\r\n\r\n` : head.slice(4));
      const [first] = (await once(socket, 'data')) as [Buffer];
      // An HTTP/2 server begins with a SETTINGS frame: type 4.
      expect(head.startsWith('PRI') ? first[3] : first.toString('latin1', 0, 12)).toBe(
        head.startsWith('PRI') ? 4 : 'HTTP/1.1 200',
      );
      socket.destroy();
    },
  );

  it('answers requests that were sent together', async () => {
    const socket = await open();
    socket.write('GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    const answer = await text(socket);
    expect(answer.match(/"path":"\/\d"/g)).toEqual(['"path":"/1"', '"path":"/2"']);
  });

  it('answers a client that closed its side after the request', async () => {
    const socket = await open();
    socket.end('GET /half HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(await text(socket)).toContain('"/half"');
  });

  it('refuses to start twice on one port', async () => {
    const second = createDualServer({ handler: () => {}, headerTimeoutMs: 100, requestTimeoutMs: 100 });
    await expect(second.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('a connection that says nothing', () => {
  beforeEach(() => start(1_500));

  it('any more is closed, when it is of HTTP/2', async () => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const [away, closed] = [once(session, 'goaway'), once(session, 'close')];
    await text(session.request({ ':path': '/' }));
    expect((await away)[0]).toBe(0);
    await closed;
  });

  it.each([
    ['at all', ''],
    ['after the first byte', 'P'],
  ])('%s is closed when the time for it is over', async (_, bytes) => {
    const socket = await open();
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
    expect(socket.bytesRead).toBe(0);
  });

  it('but one that does not finish its head is refused', async () => {
    const socket = await open();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n');
    expect(await text(socket)).toContain('408');
  });
});
