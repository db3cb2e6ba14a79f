import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { fetch, type RequestInit, type Response } from 'undici';
import { createEgress } from './egress.ts';

const egress = createEgress({ allow: [], embedded: true });
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await promisify<number, string>(server.listen.bind(server))(0, '127.0.0.1');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Of a server that accepts, and never answers the TLS greeting. */
async function silentPort(): Promise<number> {
  const server = createTcpServer();
  await promisify<number, string>(server.listen.bind(server))(0, '127.0.0.1');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function fetchFrom(port: number, options: { answerBytesMax?: number } = {}) {
  const dispatcher = egress.dispatcher({ host: '127.0.0.1', port, ...options });
  closers.push(() => dispatcher.close());
  return (url: string, init: RequestInit = {}) => fetch(url, { ...init, dispatcher });
}

const failure = async (answer: Promise<Response>) =>
  answer
    .then((response) => response.text())
    .then(
      () => undefined,
      (error: { cause?: { code?: string } }) => error.cause?.code,
    );

describe('egress', () => {
  it('reaches an allowed server and reuses its sockets', async () => {
    const sockets = new Set<unknown>();
    const port = await serve((request, response) => {
      sockets.add(request.socket);
      response.end('hello');
    });
    const fetchHere = fetchFrom(port);
    for (let round = 0; round < 20; round++) {
      expect(await (await fetchHere(`http://127.0.0.1:${port}/`)).text()).toBe('hello');
    }
    expect(sockets.size).toBeLessThan(4);
  });

  it('uses no other socket of a server that left a request unanswered', async () => {
    const known = new Set<unknown>();
    let isSilent = false;
    const port = await serve((request, response) => {
      if (!isSilent) known.add(request.socket);
      else if (known.has(request.socket)) return;
      response.end('hello');
    });
    const fetchHere = fetchFrom(port);
    const url = `http://127.0.0.1:${port}/`;
    await Promise.all(Array.from({ length: 5 }, async () => (await fetchHere(url)).text()));
    isSilent = true;
    await expect(fetchHere(url, { signal: AbortSignal.timeout(400) })).rejects.toThrow('timeout');
    for (let round = 0; round < 5; round++) expect(await (await fetchHere(url)).text()).toBe('hello');
  });

  it('follows no redirect', async () => {
    let asked = 0;
    const port = await serve((_, response) => {
      asked++;
      response.writeHead(307, { location: '/again' }).end();
    });
    expect(await failure(fetchFrom(port)(`http://127.0.0.1:${port}/`, { redirect: 'follow' }))).toBe(
      'ANSWER_REDIRECTS',
    );
    expect(asked).toBe(1);
  });

  it('stops reading an answer that is too large', async () => {
    const port = await serve((_, response) => {
      response.write('x'.repeat(900));
      response.end('x'.repeat(1100));
    });
    const answer = fetchFrom(port, { answerBytesMax: 1000 })(`http://127.0.0.1:${port}/`);
    expect(await failure(answer)).toBe('UND_ERR_RES_EXCEEDED_MAX_SIZE');
  });

  it('refuses an answer that announces to be too large, before it is read', async () => {
    const port = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1e12 }).write('[');
    });
    expect(await failure(fetchFrom(port)(`http://127.0.0.1:${port}/`))).toBe('ANSWER_TOO_LARGE');
  });

  it('refuses JSON that is nested without end, and takes brackets in text for text', async () => {
    const bodies = [
      '['.repeat(100),
      '{"a":'.repeat(65),
      `${'['.repeat(64)}${']'.repeat(64)}`,
      `["\\"${'['.repeat(99)}"]`,
    ];
    const port = await serve((request, response) => {
      const body = bodies[Number(request.url?.slice(1))] ?? '';
      for (const half of [body.slice(0, 7), body.slice(7)]) response.write(half);
      response.end();
    });
    const fetchHere = fetchFrom(port);
    const codes = await Promise.all(bodies.map((_, index) => failure(fetchHere(`http://127.0.0.1:${port}/${index}`))));
    expect(codes).toEqual(['ANSWER_TOO_DEEP', 'ANSWER_TOO_DEEP', undefined, undefined]);
  });

  it('refuses a compressed answer', async () => {
    const port = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(1e6)));
    });
    expect(await failure(fetchFrom(port)(`http://127.0.0.1:${port}/`))).toBe('ANSWER_COMPRESSED');
  });

  it('serves one origin alone', async () => {
    const port = await serve((_, response) => response.end());
    const other = await serve((_, response) => response.end());
    expect(await failure(fetchFrom(port)(`http://127.0.0.1:${other}/`))).toBe('EGRESS_DENIED');
  });

  it('denies before it connects, for literals and names alike', async () => {
    const strict = createEgress({ allow: [], embedded: false });
    let connected = 0;
    const server = createTcpServer(() => connected++);
    await promisify<number, string>(server.listen.bind(server))(0, '127.0.0.1');
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    for (const host of ['127.0.0.1', '2130706433', 'localhost']) {
      await expect(strict.connect(host, port)).rejects.toMatchObject({ name: 'EgressDenied', host });
    }
    const denied = await new Promise((resolve) => {
      strict.lookup(port)('localhost', { all: true }, (error) => resolve(error));
    });
    expect(denied).toMatchObject({ name: 'EgressDenied' });
    expect(connected).toBe(0);
  });

  it('denies an own service by its name and by the address that its name has', async () => {
    const careful = createEgress({ allow: [], deny: [{ host: 'LocalHost', port: 7432 }], embedded: true });
    for (const host of ['localhost', 'localhost.', '127.0.0.1', '127.0.0.2']) {
      await expect(careful.resolve(host, 7432)).rejects.toMatchObject({ name: 'EgressDenied' });
    }
    await expect(careful.resolve('localhost', 7433)).resolves.toMatchObject({ address: expect.any(String) });
  });

  it('gives vetted addresses to a lookup', async () => {
    const found = await new Promise((resolve) => {
      egress.lookup(80)('localhost', { family: 4 }, (error, address, family) => resolve([error, address, family]));
    });
    expect(found).toEqual([null, '127.0.0.1', 4]);
  });

  it('gives up a connection when asked to', async () => {
    const signal = AbortSignal.timeout(50);
    const connected = egress.connect('127.0.0.1', await silentPort(), { tls: {}, signal });
    await expect(connected).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('gives up a connection for requests that is not made in time', async () => {
    const port = await silentPort();
    const dispatcher = egress.dispatcher({ host: '127.0.0.1', port, tls: {}, connectTimeoutMs: 50 });
    closers.push(() => dispatcher.destroy());
    const asked = dispatcher.request({ origin: `https://127.0.0.1:${port}`, path: '/', method: 'GET' });
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
