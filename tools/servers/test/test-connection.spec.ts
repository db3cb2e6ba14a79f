import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answerHttp, type Listener, listen } from '@morag/connectors-conformance';
import {
  describeTypes,
  SERVER_TYPES,
  type ServerConfig,
  type ServerType,
  testConnection,
} from '@morag/connectors-registry';
import { createEgress } from '@morag/egress';
import { type EmbeddedChroma, startEmbeddedChroma } from '@morag/embedded';
import { freePort } from '@morag/testing';
import { answerPostgres } from '../src/pgvector.harness.ts';

const TIMEOUT_MS = 20_000;
/** Of a test of what never answers. */
const UNANSWERED_MS = 500;
const folder = mkdtempSync(join(tmpdir(), 'morag-test-connection-'));
const closers: (() => unknown)[] = [];
let chroma: EmbeddedChroma;

beforeAll(async () => {
  // Loads the vendors' SDKs, which takes its time under Jest.
  await describeTypes();
  chroma = await startEmbeddedChroma({ folder, port: await freePort() });
});

afterAll(async () => {
  for (const close of closers) await close();
  await chroma.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function stub(behave: (socket: Socket) => void): Promise<Partial<ServerConfig>> {
  const listener: Listener = await listen(behave);
  closers.push(listener.close);
  return { host: listener.host, port: listener.port };
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

async function test(type: ServerType, changes: Partial<ServerConfig>, timeoutMs = TIMEOUT_MS) {
  const egress = createEgress({ allow: [], deny: [{ host: '127.0.0.1', port: 7 }], embedded: true });
  // Pinecone tells by itself that a key is missing.
  const common = { host: '127.0.0.1', port: chroma.port, tls: 'DISABLED', apiKey: 'any-key', config: {} } as const;
  const server: ServerConfig = { type, ...common, ...changes };
  const before = performance.now();
  const result = await testConnection(server, { egress, timeoutMs });
  expect(performance.now() - before).toBeLessThan(timeoutMs + 5_000);
  return result;
}

const phaseOf = async (type: ServerType, changes: Partial<ServerConfig>) => (await test(type, changes)).failure?.phase;

describe('testConnection', () => {
  it('succeeds on a real Chroma, and tells its version and collections', async () => {
    expect(await test('CHROMA', {})).toMatchObject({
      success: true,
      message: expect.stringMatching(/^Connected to CHROMA 1\.0\.0 in \d+ ms\.$/),
      serverInfo: { version: '1.0.0', collectionsCount: 0 },
    });
  });

  describe.each<ServerType>(SERVER_TYPES)('of %s', (type) => {
    it('names TCP for a closed port', async () => {
      expect(await phaseOf(type, { port: await freePort() })).toBe('TCP');
    });

    it('names DNS for a host that nobody knows', async () => {
      expect(await phaseOf(type, { host: 'no-such-host.invalid' })).toBe('DNS');
    });

    it('names EGRESS for a host that is not allowed', async () => {
      expect(await phaseOf(type, { port: 7 })).toBe('EGRESS');
      expect(await phaseOf(type, { host: '169.254.169.254', port: 80 })).toBe('EGRESS');
      for (const host of ['a b', 'user@127.0.0.1', 'http://127.0.0.1', '127.0.0.1/path', '[::1', '\u202e', 'a\r\nb']) {
        expect(await phaseOf(type, { host })).toBe('EGRESS');
      }
    });

    it('names TIMEOUT for a black hole', async () => {
      expect((await test(type, await stub(() => {}), UNANSWERED_MS)).failure?.phase).toBe('TIMEOUT');
    });

    it('names PROTOCOL for a server that speaks otherwise, or hangs up', async () => {
      expect(await phaseOf(type, await stub((socket) => socket.once('data', () => socket.end('220 mail\r\n'))))).toBe(
        'PROTOCOL',
      );
      expect(await phaseOf(type, await stub((socket) => socket.once('data', () => socket.destroy())))).toBe('PROTOCOL');
      expect(await phaseOf(type, await stub(answerHttp(200)))).toBe('PROTOCOL');
    });

    it('names TLS where only one side wants it', async () => {
      expect(await phaseOf(type, await tlsStub((socket) => socket.end()))).toBe('TLS');
      // PostgreSQL is asked for TLS first, and says no; any other server chokes on the greeting.
      const plain = type === 'PGVECTOR' ? await stub((socket) => socket.once('data', () => socket.write('N'))) : {};
      expect(await phaseOf(type, { ...plain, tls: 'VERIFY' })).toBe('TLS');
    });
  });

  it('names TLS for a certificate that nobody vouches for', async () => {
    const server = await tlsStub(answerHttp(200));
    expect(await phaseOf('CHROMA', { ...server, tls: 'VERIFY' })).toBe('TLS');
    // Accepted as it is, the answer behind it is looked at.
    expect(await phaseOf('CHROMA', { ...server, tls: 'INSECURE' })).toBe('PROTOCOL');
  });

  it('names AUTH and PERMISSION for what the server says of the credentials', async () => {
    expect(await phaseOf('CHROMA', { ...(await stub(answerHttp(401))), apiKey: 'wrong-key' })).toBe('AUTH');
    expect(await phaseOf('CHROMA', await stub(answerHttp(403)))).toBe('PERMISSION');
    expect(await phaseOf('PGVECTOR', await stub(answerPostgres('28P01', 'password authentication failed')))).toBe(
      'AUTH',
    );
    expect(await phaseOf('PGVECTOR', await stub(answerPostgres('42501', 'permission denied')))).toBe('PERMISSION');
  });

  it('names NOT_FOUND for a missing database or tenant', async () => {
    expect(await phaseOf('CHROMA', { database: 'absent' })).toBe('NOT_FOUND');
    expect(await phaseOf('CHROMA', { config: { tenant: 'absent' } })).toBe('NOT_FOUND');
    expect(await phaseOf('PGVECTOR', await stub(answerPostgres('3D000', 'no such database')))).toBe('NOT_FOUND');
  });

  it('names VERSION for a PostgreSQL without pgvector', async () => {
    const url = new URL(process.env.MORAG_TEST_DATABASE_URL ?? '');
    const changes = {
      host: url.hostname,
      port: Number(url.port),
      username: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: url.pathname.slice(1),
    };
    expect((await test('PGVECTOR', changes)).failure).toEqual({
      phase: 'VERSION',
      detail: 'PostgreSQL answers, but pgvector is not installed on this server.',
    });
  });

  it.each(SERVER_TYPES.filter((type) => type !== 'CHROMA'))('takes a Chroma for no %s', async (type) => {
    expect(await phaseOf(type, {})).toBe('PROTOCOL');
  });

  it('ends when its caller gives up', async () => {
    const egress = createEgress({ allow: [], embedded: true });
    const server = {
      type: 'CHROMA',
      tls: 'DISABLED',
      config: {},
      host: '',
      port: 1,
      ...(await stub(() => {})),
    } as const;
    const controller = new AbortController();
    const running = testConnection(server, { egress, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
