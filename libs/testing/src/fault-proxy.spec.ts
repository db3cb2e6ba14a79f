import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from './eventually.ts';
import { createFaultProxy, type FaultProxy } from './fault-proxy.ts';

let echo: Server;
let proxy: FaultProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  proxy = await createFaultProxy({ port: typeof address === 'object' && address ? address.port : 0 });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

/** A connection that remembers what came back and why it ended. */
function connect(): { socket: Socket; received: () => string; error: () => string | undefined } {
  const socket = createConnection(proxy.port, proxy.host);
  clients.push(socket);
  let text = '';
  let code: string | undefined;
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code;
  });
  return { socket, received: () => text, error: () => code };
}

it('passes bytes on, in order', async () => {
  const { socket, received } = connect();
  for (let n = 0; n < 100; n += 1) socket.write(`${n} `);
  const expected = Array.from({ length: 100 }, (_, n) => `${n} `).join('');
  await eventually(() => expect(received()).toBe(expected));
});

it('swallows bytes of open connections, and delivers them when it passes again', async () => {
  const { socket, received } = connect();
  socket.write('before ');
  await eventually(() => expect(received()).toBe('before '));
  await proxy.blackhole();
  socket.write('during ');
  const late = connect();
  await once(late.socket, 'connect');
  expect(received()).toBe('before ');
  await proxy.pass();
  await eventually(() => expect(received()).toBe('before during '));
});

it('refuses connections, and listens on the same port again', async () => {
  const open = connect();
  await once(open.socket, 'connect');
  await proxy.refuse();
  await eventually(() => expect(open.socket.destroyed).toBe(true));
  const refused = connect();
  await eventually(() => expect(refused.error()).toBe('ECONNREFUSED'));
  await proxy.pass();
  const again = connect();
  again.socket.write('hello');
  await eventually(() => expect(again.received()).toBe('hello'));
});

it('resets connections', async () => {
  const open = connect();
  open.socket.write('x');
  await eventually(() => expect(open.received()).toBe('x'));
  await proxy.reset();
  const late = connect();
  late.socket.write('y');
  await eventually(() => expect([open.error(), late.error()]).toEqual(['ECONNRESET', 'ECONNRESET']));
});

it('delays bytes in both directions', async () => {
  await proxy.delay(50);
  const { socket, received } = connect();
  await once(socket, 'connect');
  const start = performance.now();
  socket.write('x');
  await eventually(() => expect(received()).toBe('x'), { intervalMs: 1 });
  expect(performance.now() - start).toBeGreaterThan(95);
});
