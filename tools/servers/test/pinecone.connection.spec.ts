import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answerHttp, listen } from '@morag/connectors-conformance';
import { type ServerConfig, testConnection } from '@morag/connectors-registry';
import { type PineconeStandIn, startPineconeStandIn } from '@morag/connectors-stand-ins';
import { createEgress } from '@morag/egress';
import { freePort } from '@morag/testing';

const API_KEY = 'pcsk-of-the-connection-test';
const TIMEOUT_MS = 20_000;
/** Of a test of what never answers. */
const UNANSWERED_MS = 500;
const egress = createEgress({ allow: [], deny: [{ host: '127.0.0.1', port: 7 }], embedded: true });
const closers: (() => unknown)[] = [];
let standIn: PineconeStandIn;

beforeAll(async () => {
  standIn = await startPineconeStandIn({ apiKey: API_KEY });
});

afterAll(async () => {
  for (const close of closers) await close();
  await standIn.stop();
});

async function stub(behave: (socket: Socket) => void): Promise<Partial<ServerConfig>> {
  const { host, port, close } = await listen(behave);
  closers.push(close);
  return { host, port };
}

/** A server with a certificate of its own making, for the name morag.test. */
async function tlsStub(behave: (socket: Socket) => void): Promise<Partial<ServerConfig>> {
  const pem = (name: string) => readFileSync(new URL(`./testdata/tls.${name}.pem`, import.meta.url));
  const server = createTlsServer({ key: pem('key'), cert: pem('cert') }, (socket) => {
    socket.on('error', () => socket.destroy());
    behave(socket);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function test(changes: Partial<ServerConfig>, timeoutMs = TIMEOUT_MS) {
  const { host, port } = standIn;
  const server: ServerConfig = {
    type: 'PINECONE',
    host,
    port,
    tls: 'DISABLED',
    apiKey: API_KEY,
    config: {},
    ...changes,
  };
  return testConnection(server, { egress, timeoutMs });
}

const phaseOf = async (changes: Partial<ServerConfig>) => (await test(changes)).failure?.phase;

describe('testConnection of PINECONE', () => {
  it('succeeds, and tells the API version and the number of indexes', async () => {
    expect(await test({})).toMatchObject({
      success: true,
      serverInfo: { version: '2026-07', collectionsCount: 0 },
    });
  });

  it('names what is in the way of a socket', async () => {
    expect(await phaseOf({ port: await freePort() })).toBe('TCP');
    expect(await phaseOf({ host: 'no-such-host.invalid' })).toBe('DNS');
    expect(await phaseOf({ port: 7 })).toBe('EGRESS');
    expect((await test(await stub(() => {}), UNANSWERED_MS)).failure?.phase).toBe('TIMEOUT');
  });

  it('names TLS where only one side wants it, and for a certificate that nobody vouches for', async () => {
    expect(await phaseOf({ tls: 'VERIFY' })).toBe('TLS');
    expect(await phaseOf(await tlsStub((socket) => socket.end()))).toBe('TLS');
    expect(await phaseOf({ ...(await tlsStub(answerHttp(200))), tls: 'VERIFY' })).toBe('TLS');
    expect(await phaseOf({ ...(await tlsStub(answerHttp(200))), tls: 'INSECURE' })).toBe('PROTOCOL');
  });

  it('names AUTH for a wrong key and for none, PERMISSION for what the key may not do', async () => {
    expect(await phaseOf({ apiKey: 'not-the-key' })).toBe('AUTH');
    expect(await phaseOf({ apiKey: undefined })).toBe('AUTH');
    expect(await phaseOf(await stub(answerHttp(403)))).toBe('PERMISSION');
  });

  it('names PROTOCOL for what is not Pinecone', async () => {
    for (const status of [200, 404, 405]) expect(await phaseOf(await stub(answerHttp(status)))).toBe('PROTOCOL');
    expect(await phaseOf(await stub((socket) => socket.once('data', () => socket.end('220 mail\r\n'))))).toBe(
      'PROTOCOL',
    );
    expect(await phaseOf(await stub((socket) => socket.once('data', () => socket.destroy())))).toBe('PROTOCOL');
  });
});
