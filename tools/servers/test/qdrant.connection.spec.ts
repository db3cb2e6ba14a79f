import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answerHttp, listen } from '@morag/connectors-conformance';
import { type ServerConfig, testConnection } from '@morag/connectors-registry';
import { type QdrantStandInOptions, startQdrantStandIn } from '@morag/connectors-stand-ins';
import { createEgress } from '@morag/egress';
import { freePort } from '@morag/testing';

const API_KEY = 'key-of-the-connection-test';
const TIMEOUT_MS = 20_000;
/** Of a test of what never answers. */
const UNANSWERED_MS = 500;
const egress = createEgress({ allow: [], deny: [{ host: '127.0.0.1', port: 7 }], embedded: true });
const closers: (() => unknown)[] = [];
let address: { readonly host: string; readonly port: number };

beforeAll(async () => {
  address = await start({ apiKey: API_KEY });
});

afterAll(async () => {
  for (const close of closers) await close();
});

async function start(options: QdrantStandInOptions) {
  const { host, port, stop } = await startQdrantStandIn(options);
  closers.push(stop);
  return { host, port };
}

async function stub(behave: (socket: Socket) => void): Promise<Partial<ServerConfig>> {
  const { host, port, close } = await listen(behave);
  closers.push(close);
  return { host, port };
}

const pem = (name: string) => readFileSync(new URL(`./testdata/tls.${name}.pem`, import.meta.url), 'utf8');

/** A server with a certificate of its own making, for the name morag.test. */
async function tlsStub(behave: (socket: Socket) => void): Promise<Partial<ServerConfig>> {
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
  const server = { type: 'QDRANT', ...address, tls: 'DISABLED', apiKey: API_KEY, config: {}, ...changes } as const;
  return testConnection(server, { egress, timeoutMs });
}

const phaseOf = async (changes: Partial<ServerConfig>) => (await test(changes)).failure?.phase;

describe('testConnection of QDRANT', () => {
  it('succeeds, and tells version, nodes, collections, and that the key travels in the open', async () => {
    expect(await test({})).toMatchObject({
      success: true,
      serverInfo: {
        version: '1.18.3',
        nodesCount: 1,
        collectionsCount: 0,
        warnings: ['The API key is sent without TLS.'],
      },
    });
  });

  it('succeeds without a key where the server asks for none', async () => {
    const { success, serverInfo } = await test({ ...(await start({})), apiKey: undefined });
    expect([success, serverInfo?.warnings]).toEqual([true, undefined]);
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

  it('succeeds over TLS with the authority and the name that it was told', async () => {
    const front = await tlsStub((socket) => {
      const behind = connect(address.port, address.host);
      behind.on('error', () => socket.destroy());
      socket.pipe(behind).pipe(socket);
    });
    const config = { tlsCa: pem('cert'), tlsServerName: 'morag.test' };
    const { success, serverInfo } = await test({ ...front, tls: 'VERIFY', config });
    expect([success, serverInfo?.warnings]).toEqual([true, undefined]);
    expect(await phaseOf({ ...front, tls: 'VERIFY', config: { ...config, tlsServerName: 'other.test' } })).toBe('TLS');
    expect((await test({ ...front, tls: 'INSECURE' })).success).toBe(true);
  });

  it('names AUTH for a wrong key and for none, PERMISSION for what the key may not do', async () => {
    expect(await test({ apiKey: 'not-the-key' })).toMatchObject({
      message: 'Invalid API key or JWT',
      failure: { phase: 'AUTH' },
    });
    expect(await phaseOf({ apiKey: undefined })).toBe('AUTH');
    expect(await phaseOf(await stub(answerHttp(403)))).toBe('PERMISSION');
  });

  it('names VERSION for a server that is too old', async () => {
    expect(await test(await start({ apiKey: API_KEY, version: '1.15.5' }))).toMatchObject({
      message: 'Qdrant 1.15.5 is too old: 1.16 is needed.',
      failure: { phase: 'VERSION' },
    });
  });

  it('names PROTOCOL for what is not Qdrant, or lies under another prefix', async () => {
    expect(await phaseOf(await stub(answerHttp(200)))).toBe('PROTOCOL');
    expect(await phaseOf(await stub((socket) => socket.once('data', () => socket.end('220 mail\r\n'))))).toBe(
      'PROTOCOL',
    );
    expect(await phaseOf(await stub((socket) => socket.once('data', () => socket.destroy())))).toBe('PROTOCOL');
    expect(await phaseOf({ config: { prefix: '/elsewhere' } })).toBe('PROTOCOL');
  });
});
