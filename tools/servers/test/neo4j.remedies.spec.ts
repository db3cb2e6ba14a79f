import { readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answerHttp, listen, nearest, records } from '@morag/connectors-conformance';
import { type Call, createCalls, type ServerSettings, type VectorConnector } from '@morag/connectors-core';
import { neo4j } from '@morag/connectors-neo4j';
import {
  createNeo4jDatabase,
  integer,
  type Neo4jDatabase,
  type Statement,
} from '@morag/connectors-neo4j/neo4j.database.ts';
import { neo4jError } from '@morag/connectors-neo4j/neo4j.errors.ts';
import { type ServerConfig, testConnection } from '@morag/connectors-registry';
import { createEgress, type Egress } from '@morag/egress';
import { eventually, freePort } from '@morag/testing';
import { noteSkip } from '@morag/testing/skips.ts';
import { serversFolder } from '../src/folders.ts';
import { answerBolt } from '../src/neo4j.harness.ts';
import { neo4jServer } from '../src/neo4j.server.ts';

const STARTING_MS = 240_000;
const CASE_MS = 60_000;
const TEST_MS = 20_000;
const SPEC = { dimension: 4, metric: 'cosine' } as const;
const VECTOR = [1, 0, 0, 0];
const egress = createEgress({ allow: [], embedded: true });
const opened: { close(): Promise<void> }[] = [];
let settings: ServerSettings;
let pid: number;
let database: Neo4jDatabase;
let stop = async () => {};

const installed = neo4jServer.isInstalled();
/** Of tests that need the server. */
const suite: (title: string, tests: () => void) => void = installed ? describe : () => {};
if (!installed) noteSkip('neo4j remedies', 'no server; `npm run servers -- install neo4j`');

it('has its server where that is required', () => {
  expect(installed ? [] : (process.env.MORAG_CONFORMANCE_REQUIRE ?? '').split(',')).not.toContain('neo4j');
});

beforeAll(async () => {
  if (!installed) return;
  const port = await freePort();
  const data = join(serversFolder(), 'data', `neo4j-remedies-${port}`);
  const { host, username, password, database: name } = await neo4jServer.start({ port, data });
  settings = { host, port, tls: 'DISABLED', username, password, database: name, config: {} };
  pid = Number.parseInt(readFileSync(`${data}.pid`, 'utf8'), 10);
  database = createNeo4jDatabase(settings, neo4j.options.parse({}), egress);
  stop = async () => {
    await neo4jServer.stop({ port, data });
    for (const path of [data, `${data}.log`]) rmSync(path, { recursive: true, force: true });
  };
}, STARTING_MS);

afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await database?.close();
  await stop();
}, STARTING_MS);

function open(
  changes: Partial<ServerSettings> = {},
  config: Record<string, unknown> = {},
  through: Egress = egress,
): VectorConnector {
  const connector = neo4j.create({ ...settings, ...changes }, neo4j.options.parse(config), { egress: through });
  opened.push(connector);
  return connector;
}

/** Agrees on Bolt 4.4, the latest that Neo4j 4 knows, and greets. */
function answerOldBolt(socket: Socket): void {
  socket.once('data', () => {
    socket.once('data', () => socket.write(Buffer.from('0003b170a00000', 'hex')));
    socket.write(Buffer.of(0, 0, 4, 4));
  });
}

/** A statement as any other program could send it. */
function cypher<R extends object>(statement: Statement): Promise<R[]> {
  const calls = createCalls({
    vendor: 'neo4j',
    timeoutMs: CASE_MS,
    retries: 0,
    translate: (error, origin) => neo4jError(error, origin, String),
  });
  return calls.run('test', {}, (call: Call) => database.write<R>(call, statement));
}

async function create(connector: VectorConnector, name: string, spec: object = {}): Promise<string> {
  return (await connector.createCollection({ ...SPEC, ...spec, name })).nativeName;
}

suite('Neo4j', () => {
  it(
    'stores vectors that it cannot find again: they are refused',
    async () => {
      const connector = open();
      const label = await create(connector, 'unusable');
      for (const embedding of [[1, 2], [0, 0, 0, 0], [Number.NaN, 0, 0, 1], 'text', []]) {
        const text = `CREATE (n:${label}) SET n.embedding = $embedding`;
        await cypher({ text, values: { embedding } });
      }
      const find = 'CALL db.index.vector.queryNodes($label, $k, $vector) YIELD node RETURN count(*) AS count';
      expect(await cypher({ text: find, values: { label, k: integer(10), vector: VECTOR } })).toEqual([{ count: 0n }]);
      expect(await connector.count('unusable')).toBe(5);
      for (const vector of [[1, 2], [0, 0, 0, 0], [Number.NaN, 0, 0, 1], []]) {
        await expect(connector.upsert('unusable', [{ id: 'a', vector }])).rejects.toMatchObject({
          category: 'invalid_argument',
        });
      }
      expect(await connector.count('unusable')).toBe(5);
    },
    CASE_MS,
  );

  it(
    'rounds vectors in its indexes by default: scores are exact',
    async () => {
      const connector = open();
      const all = records(300, 32);
      for (const [name, config] of [
        ['exact', {}],
        ['rounded', { index: { quantization: true } }],
      ] as const) {
        await create(open({}, config), name, { dimension: 32 });
        await connector.upsert(name, all);
      }
      const errorOf = async (name: string) => {
        const vector = all[7]?.vector as number[];
        const scores = new Map(
          nearest(all, { metric: 'cosine', vector, topK: 300 }).map(({ id, score }) => [id, score]),
        );
        const hits = await connector.query(name, { vector, topK: 50 });
        return Math.max(...hits.map(({ id, score }) => Math.abs(score - (scores.get(id) ?? 0))));
      };
      expect(await errorOf('exact')).toBeLessThan(1e-5);
      expect(await errorOf('rounded')).toBeGreaterThan(1e-5);
    },
    CASE_MS,
  );

  it(
    'filters what its index has found: a narrow filter still gives all that were asked for',
    async () => {
      const connector = open();
      const label = await create(connector, 'narrow', { dimension: 8 });
      const all = records(2_000, 8, (index) => ({ part: index % 100 }));
      await connector.upsert('narrow', all);
      const vector = all[3]?.vector as number[];
      const find = `
        CALL db.index.vector.queryNodes($label, $k, $vector) YIELD node
        WITH node WHERE node.m_part = 7 RETURN count(*) AS count`;
      const [alone] = await cypher<{ count: bigint }>({ text: find, values: { label, k: integer(10), vector } });
      expect(Number(alone?.count)).toBeLessThan(10);
      const filter = { field: 'part', op: 'eq', value: 7 } as const;
      const hits = await connector.query('narrow', { vector, topK: 10, filter });
      expect(hits.map(({ id }) => id)).toEqual(
        nearest(all, { metric: 'cosine', vector, topK: 10, filter }).map(({ id }) => id),
      );
    },
    CASE_MS,
  );

  it(
    'makes two nodes of one id that two write at once, unless a constraint forbids',
    async () => {
      const connector = open();
      await create(connector, 'merged');
      const all = records(50, 4);
      await Promise.all(Array.from({ length: 8 }, () => connector.upsert('merged', all)));
      expect(await connector.count('merged')).toBe(50);
    },
    CASE_MS,
  );

  it(
    'does not lock what it reads: changes of one record at once are all kept',
    async () => {
      const connector = open();
      await create(connector, 'patched');
      await connector.upsert('patched', [{ id: 'a', vector: VECTOR, metadata: { kept: true } }]);
      const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => connector.updateMetadata('patched', 'a', { [key]: key })));
      const [found] = (await connector.fetch('patched', ['a'])).records;
      expect(found?.metadata).toEqual({ kept: true, ...Object.fromEntries(keys.map((key) => [key, key])) });
      expect(await connector.count('patched', { field: 'k11', op: 'eq', value: 'k11' })).toBe(1);
    },
    CASE_MS,
  );

  it(
    'reads escapes in names: keys are never part of a statement',
    async () => {
      const connector = open();
      await create(connector, 'escaped');
      const key = 'x\\u0060) OR true //';
      await connector.upsert('escaped', [
        { id: 'a', vector: VECTOR, metadata: { [key]: 1 } },
        { id: 'b', vector: VECTOR },
      ]);
      expect(await connector.count('escaped', { field: key, op: 'eq', value: 1 })).toBe(1);
      expect(await connector.count('escaped', { field: `${key} `, op: 'eq', value: 1 })).toBe(0);
    },
    CASE_MS,
  );

  it(
    'runs what was aborted before it began: nothing is sent',
    async () => {
      const connector = open();
      await create(connector, 'aborted');
      const call = connector.upsert('aborted', records(3, 4), { signal: AbortSignal.abort() });
      await expect(call).rejects.toMatchObject({ category: 'cancelled' });
      expect(await connector.count('aborted')).toBe(0);
    },
    CASE_MS,
  );

  it(
    'frozen, ends no wait of the driver: the call ends at its deadline, and the next one succeeds',
    async () => {
      const connector = open();
      await create(connector, 'frozen');
      process.kill(pid, 'SIGSTOP');
      try {
        const before = performance.now();
        const call = connector.upsert('frozen', records(1, 4), { timeoutMs: 500 });
        await expect(call).rejects.toMatchObject({ category: 'timeout' });
        expect(performance.now() - before).toBeLessThan(15_000);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      expect((await connector.upsert('frozen', records(2, 4))).accepted).toBe(2);
      expect(await connector.count('frozen')).toBe(2);
    },
    CASE_MS,
  );

  it(
    'prints vectors in its errors: they are not shown; an index that is gone can be made again',
    async () => {
      const connector = open();
      const label = await create(connector, 'broken');
      await connector.upsert('broken', records(3, 4));
      await cypher({ text: 'DROP INDEX $label', values: { label } });
      const vector = [0.123456789, 0, 0, 1];
      const error = await connector.query('broken', { vector, topK: 1 }).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ category: 'internal', vendorCode: expect.stringContaining('Procedure') });
      expect(String(error)).not.toContain('0.1234');
      expect((await connector.describeCollection('broken')).state).toBe('failed');
      await connector.createCollection({ ...SPEC, name: 'broken', ifNotExists: true });
      expect(await connector.query('broken', { vector, topK: 1 })).toHaveLength(1);
    },
    CASE_MS,
  );

  it(
    'finds documents by its own word index where there is one',
    async () => {
      const connector = open({}, { wordIndex: true });
      await create(connector, 'words');
      await connector.upsert('words', [
        { id: 'a', vector: VECTOR, document: 'The valve E-4711' },
        { id: 'b', vector: VECTOR, document: 'The tap', metadata: { wet: true } },
      ]);
      const query = { vector: VECTOR, text: 'e-4711 OR (tap', topK: 5, vectorWeight: 0 };
      expect((await connector.hybridQuery('words', query)).map(({ id }) => id).sort()).toEqual(['a', 'b']);
      const filter = { field: 'wet', op: 'eq', value: true } as const;
      expect((await connector.hybridQuery('words', { ...query, filter })).map(({ id }) => id)).toEqual(['b']);
    },
    CASE_MS,
  );

  it('is connected to by way of the egress module alone', async () => {
    const asked: string[] = [];
    const counting: Egress = {
      ...egress,
      connect: (host, port, options) => {
        asked.push(`${host}:${port}`);
        return egress.connect(host, port, options);
      },
    };
    await open({}, {}, counting).ping();
    expect(asked).toEqual([`${settings.host}:${settings.port}`]);
    const denying = createEgress({ allow: [], embedded: false });
    await expect(open({}, {}, denying).ping()).rejects.toMatchObject({ category: 'host_denied' });
  });

  it('is tested step by step, down to its database', async () => {
    const test = (changes: Partial<ServerConfig>) =>
      testConnection({ type: 'NEO4J', ...settings, ...changes }, { egress, timeoutMs: TEST_MS });
    expect(await test({})).toMatchObject({
      success: true,
      serverInfo: { version: neo4jServer.version, edition: 'community' },
    });
    expect((await test({ database: 'absent' })).failure?.phase).toBe('NOT_FOUND');
    expect((await test({ password: 'not-the-password' })).failure?.phase).toBe('AUTH');
    expect((await test({ tls: 'VERIFY' })).failure?.phase).toBe('TLS');
    for (const [behave, phase] of [
      [answerBolt('Neo.ClientError.Security.Forbidden', 'not allowed'), 'PERMISSION'],
      [answerHttp(400), 'PROTOCOL'],
      [answerOldBolt, 'VERSION'],
    ] as const) {
      const { host, port, close } = await listen(behave);
      expect((await test({ host, port })).failure?.phase).toBe(phase);
      await close();
    }
  });

  it('is spoken to over TLS with an authority and a server name of its own', async () => {
    const pem = (name: string) => readFileSync(new URL(`./testdata/tls.${name}.pem`, import.meta.url), 'utf8');
    const front = createTlsServer({ key: pem('key'), cert: pem('cert') }, (client) => {
      const upstream = connect(settings.port, settings.host);
      for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
      client.pipe(upstream).pipe(client);
      client.once('close', () => upstream.destroy());
    });
    front.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const { port } = front.address() as AddressInfo;
    const secured = { port, tls: 'VERIFY' } as const;
    const tlsServerName = 'morag.test';
    const connector = open(secured, { tlsCa: pem('cert'), tlsServerName });
    expect((await connector.info()).version).toBe(neo4jServer.version);
    await connector.close();
    for (const config of [{}, { tlsCa: pem('cert') }, { tlsServerName }]) {
      const result = await testConnection(
        { type: 'NEO4J', ...settings, ...secured, config },
        { egress, timeoutMs: TEST_MS },
      );
      expect(result.failure?.phase).toBe('TLS');
    }
    front.close();
  });

  it(
    'locks an account after three wrong passwords: that is said, with the time to wait',
    async () => {
      const connector = open({ password: 'not-the-password' }, { retries: 0 });
      for (let round = 0; round < 3; round++) {
        await expect(connector.ping()).rejects.toMatchObject({ category: 'unauthenticated', retryable: false });
      }
      // The lock is off again after 5 s, and on after another wrong password: on a busy machine it is seen a bit later.
      await eventually(() =>
        expect(connector.ping()).rejects.toMatchObject({ category: 'rate_limited', retryAfterMs: 5_000 }),
      );
    },
    CASE_MS,
  );
});
