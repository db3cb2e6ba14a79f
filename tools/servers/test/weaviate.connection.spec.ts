import { readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answerHttp, listen, records } from '@morag/connectors-conformance';
import { createConnector, type ServerConfig, testConnection } from '@morag/connectors-registry';
import { createEgress } from '@morag/egress';
import { freePort } from '@morag/testing';
import { noteSkip } from '@morag/testing/skips.ts';
import { serversFolder } from '../src/folders.ts';
import { weaviateServer } from '../src/weaviate.server.ts';

const TIMEOUT_MS = 20_000;
/** Of a test of what never answers. */
const UNANSWERED_MS = 500;
const STARTING_MS = 120_000;
/** The name on the certificate. */
const TLS_NAME = 'morag.test';
const egress = createEgress({ allow: [], deny: [{ host: '127.0.0.1', port: 7 }], embedded: true });
const closers: (() => unknown)[] = [];
let server: ServerConfig & { readonly config: { readonly grpcPort: number } };

const installed = weaviateServer.isInstalled();
/** Of tests that need the server. */
const suite: (title: string, tests: () => void) => void = installed ? describe : () => {};
if (!installed) noteSkip('weaviate connection tests', 'no server; `npm run servers -- install weaviate`');

it('has its server where that is required', () => {
  expect(installed ? [] : (process.env.MORAG_CONFORMANCE_REQUIRE ?? '').split(',')).not.toContain('weaviate');
});

beforeAll(async () => {
  if (!installed) return;
  const port = await freePort();
  const data = join(serversFolder(), 'data', `weaviate-connection-${port}`);
  const { host, apiKey, config } = await weaviateServer.start({ port, data });
  server = { type: 'WEAVIATE', host, port, apiKey, tls: 'DISABLED', config: config as { grpcPort: number } };
  closers.push(async () => {
    await weaviateServer.stop({ port, data });
    for (const path of [data, `${data}.log`]) rmSync(path, { recursive: true, force: true });
  });
}, STARTING_MS);

afterAll(async () => {
  for (const close of closers.reverse()) await close();
}, STARTING_MS);

const pem = (name: string) => readFileSync(new URL(`./testdata/tls.${name}.pem`, import.meta.url), 'utf8');

async function stub(behave: (socket: Socket) => void): Promise<Partial<ServerConfig>> {
  const { host, port, close } = await listen(behave);
  closers.push(close);
  return { host, port };
}

/** A port of the server behind TLS, with a certificate of its own making; `grpc` hangs up on who does not ask for h2. */
async function behindTls(port: number, { grpc }: { grpc: boolean }): Promise<number> {
  const sockets = new Set<Socket>();
  const options = { key: pem('key'), cert: pem('cert'), ALPNProtocols: grpc ? ['h2'] : ['http/1.1'] };
  const front = createTlsServer(options, (client: TLSSocket) => {
    client.on('error', () => client.destroy());
    if (grpc && client.alpnProtocol !== 'h2') return void client.destroy();
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => socket.destroy()));
    client.pipe(upstream).pipe(client);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  front.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    front.close();
  });
  return (front.address() as AddressInfo).port;
}

const test = (changes: Partial<ServerConfig>, timeoutMs = TIMEOUT_MS) =>
  testConnection({ ...server, ...changes }, { egress, timeoutMs });
const phaseOf = async (changes: Partial<ServerConfig>) => (await test(changes)).failure?.phase;

suite('testConnection of WEAVIATE', () => {
  it('succeeds, and tells version, nodes and the number of collections', async () => {
    expect(await test({})).toMatchObject({
      success: true,
      serverInfo: { version: weaviateServer.version, nodesCount: 1, collectionsCount: 0 },
    });
  });

  it('names what is in the way of a socket, also for gRPC', async () => {
    expect(await phaseOf({ port: await freePort() })).toBe('TCP');
    expect(await phaseOf({ host: 'no-such-host.invalid' })).toBe('DNS');
    expect(await phaseOf({ port: 7 })).toBe('EGRESS');
    expect((await test(await stub(() => {}), UNANSWERED_MS)).failure?.phase).toBe('TIMEOUT');
    const grpcPort = await freePort();
    expect((await test({ config: { grpcPort } })).failure).toMatchObject({
      phase: 'TCP',
      detail: expect.stringContaining(`gRPC, port ${grpcPort}`),
    });
    expect(await phaseOf({ config: { grpcPort: server.port } })).toBe('PROTOCOL');
  });

  it('names AUTH for a wrong key and for none, PERMISSION for what the key may not do', async () => {
    expect(await phaseOf({ apiKey: 'not-the-key' })).toBe('AUTH');
    expect(await phaseOf({ apiKey: undefined })).toBe('AUTH');
    expect(await phaseOf(await stub(answerHttp(403)))).toBe('PERMISSION');
  });

  it('names PROTOCOL for what is not Weaviate, and VERSION for one that is too old', async () => {
    for (const status of [200, 404, 405]) expect(await phaseOf(await stub(answerHttp(status)))).toBe('PROTOCOL');
    expect(await phaseOf(await stub((socket) => socket.once('data', () => socket.destroy())))).toBe('PROTOCOL');
    const meta = JSON.stringify({ hostname: 'http://[::]:8080', version: '1.27.3', modules: {} });
    const old = (socket: Socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${meta.length}\r\n\r\n${meta}`));
    expect((await test(await stub(old))).failure).toEqual({
      phase: 'VERSION',
      detail: 'Weaviate 1.27.3 is too old: 1.29 or later is needed.',
    });
  });

  it('warns of a tenant that no collection has', async () => {
    const { success, serverInfo } = await test({ config: { ...server.config, tenant: 'absent' } });
    expect({ success, warnings: serverInfo?.warnings }).toEqual({
      success: true,
      warnings: ['No collection has the tenant absent yet.'],
    });
  });

  it('names TLS where only one side wants it, and for a certificate that nobody vouches for', async () => {
    const port = await behindTls(server.port, { grpc: false });
    expect(await phaseOf({ tls: 'VERIFY' })).toBe('TLS');
    expect(await phaseOf({ port })).toBe('TLS');
    expect(await phaseOf({ port, tls: 'VERIFY' })).toBe('TLS');
    // gRPC without TLS, where REST has it.
    expect(await phaseOf({ port, tls: 'INSECURE' })).toBe('TLS');
  });
});

suite('TLS', () => {
  it('holds for REST and gRPC, with an authority and a server name of its own', async () => {
    const port = await behindTls(server.port, { grpc: false });
    const grpcPort = await behindTls(server.config.grpcPort, { grpc: true });
    const config = { grpcPort, tlsCa: pem('cert'), tlsServerName: TLS_NAME };
    const secured: ServerConfig = { ...server, port, tls: 'VERIFY', config };
    expect((await test(secured)).failure).toBeUndefined();
    const connector = await createConnector(secured, { egress });
    closers.push(() => connector.close());
    await connector.createCollection({ name: 'Secured', dimension: 4, metric: 'cosine' });
    await connector.upsert('Secured', records(3, 4));
    expect(await connector.query('Secured', { vector: [1, 0, 0, 0], topK: 5 })).toHaveLength(3);
    // A certificate of another name is as good as none.
    expect(await phaseOf({ ...secured, config: { ...config, tlsServerName: 'other.test' } })).toBe('TLS');
  });
});
