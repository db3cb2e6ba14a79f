import { rmSync } from 'node:fs';
import { createServer as createHttp2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { matching, proxyTo, records } from '@morag/connectors-conformance';
import type { Filter, ServerSettings, VectorConnector } from '@morag/connectors-core';
import { weaviate } from '@morag/connectors-weaviate';
import { createEgress } from '@morag/egress';
import { freePort } from '@morag/testing';
import { eventually } from '@morag/testing/eventually.ts';
import { noteSkip } from '@morag/testing/skips.ts';
import { serversFolder } from '../src/folders.ts';
import { weaviateServer } from '../src/weaviate.server.ts';

const STARTING_MS = 120_000;
const SPEC = { dimension: 4, metric: 'cosine' } as const;
const VECTOR = [1, 0, 0, 0];
const opened: VectorConnector[] = [];
const closers: (() => unknown)[] = [];
let settings: ServerSettings & { config: { grpcPort: number } };
let restart: () => Promise<void>;
let stop = async () => {};

const installed = weaviateServer.isInstalled();
/** Of tests that need the server. */
const suite: (title: string, tests: () => void) => void = installed ? describe : () => {};
if (!installed) noteSkip('weaviate remedies', 'no server; `npm run servers -- install weaviate`');

it('has its server where that is required', () => {
  expect(installed ? [] : (process.env.MORAG_CONFORMANCE_REQUIRE ?? '').split(',')).not.toContain('weaviate');
});

beforeAll(async () => {
  if (!installed) return;
  const port = await freePort();
  const data = join(serversFolder(), 'data', `weaviate-remedies-${port}`);
  const { host, apiKey, config } = await weaviateServer.start({ port, data });
  settings = { host, port, apiKey, tls: 'DISABLED', config: config as { grpcPort: number } };
  restart = async () => {
    await weaviateServer.kill({ port, data });
    await weaviateServer.start({ port, data });
  };
  stop = async () => {
    await weaviateServer.stop({ port, data });
    for (const path of [data, `${data}.log`]) rmSync(path, { recursive: true, force: true });
  };
}, STARTING_MS);

afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  for (const close of closers) await close();
  await stop();
}, STARTING_MS);

function open(
  config: Record<string, unknown> = {},
  changes: Partial<ServerSettings> = {},
  egress = createEgress({ allow: [], embedded: true }),
): VectorConnector {
  const options = weaviate.options.parse({ ...settings.config, ...config });
  const connector = weaviate.create({ ...settings, ...changes }, options, { egress });
  opened.push(connector);
  return connector;
}

/** The server's own interface, for what other programs do. */
async function rest(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`http://${settings.host}:${settings.port}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${settings.apiKey}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  expect(`${response.status} ${text}`).toMatch(/^200 /);
  return text && JSON.parse(text);
}

const condition = (field: string, op: string, value: unknown) => ({ field, op, value }) as Filter;
const idsOf = (found: readonly { id: string }[]) => found.map(({ id }) => id).sort();

suite('what a kill takes from the index', () => {
  it('is nothing that was confirmed, a moment before or earlier', async () => {
    const connector = open();
    await connector.createCollection({ ...SPEC, name: 'killed' });
    const all = records(60, 4);
    for (const round of [0, 1, 2]) {
      await connector.upsert('killed', all.slice(round * 20, round * 20 + 20));
      await restart();
      const found = await connector.query('killed', { vector: VECTOR, topK: 100 });
      expect(idsOf(found)).toEqual(idsOf(all.slice(0, round * 20 + 20)));
    }
  }, 120_000);

  it('comes back when a write is repeated that nobody confirmed', async () => {
    const { host, config } = settings;
    const proxy = await proxyTo({ host, port: config.grpcPort });
    closers.push(proxy.close);
    const [direct, connector] = [open(), open({ grpcPort: proxy.port })];
    await connector.createCollection({ ...SPEC, name: 'doubtful' });
    const [first, ...others] = records(3, 4);
    await connector.upsert('doubtful', first ? [first] : []);
    // The server gets it, and its answer does not come.
    proxy.set({ kind: 'slow', delayMs: 600_000 });
    const controller = new AbortController();
    const unconfirmed = connector.upsert('doubtful', others, { signal: controller.signal });
    await eventually(async () => expect(await direct.count('doubtful')).toBe(3));
    controller.abort();
    await expect(unconfirmed).rejects.toMatchObject({ category: 'cancelled' });
    await restart();
    proxy.set({ kind: 'none' });
    await connector.upsert('doubtful', others);
    expect(await connector.query('doubtful', { vector: VECTOR, topK: 10 })).toHaveLength(3);
  }, 120_000);
});

suite('filters', () => {
  it('do not count what was deleted as something that lacks a value', async () => {
    const connector = open();
    await connector.createCollection({ ...SPEC, name: 'deleted' });
    await connector.upsert('deleted', records(5, 4));
    await connector.deleteByIds('deleted', ['r0', 'r1']);
    await connector.upsert('deleted', records(1, 4));
    const lacking = condition('n', 'ne', 4);
    expect(await connector.count('deleted', lacking)).toBe(3);
    expect(await connector.deleteByFilter('deleted', lacking)).toEqual({ deleted: 3 });
    expect(await connector.deleteByFilter('deleted', { and: [] })).toEqual({ deleted: 1 });
  });

  it('compare numbers of every size', async () => {
    const connector = open();
    const values = [0, -0, 5e-324, 0.1, 2 ** 53 + 2, 2 ** 63, 2 ** 64, 1e300, Number.MAX_VALUE];
    const all = records(values.length * 2, 4, (index) => {
      const value = values[index >> 1] ?? 0;
      return { big: index % 2 === 0 ? value : -value };
    });
    await connector.createCollection({ ...SPEC, name: 'numbers' });
    await connector.upsert('numbers', all);
    for (const value of [...values, -1, -(2 ** 63), -1e300]) {
      for (const op of ['gt', 'gte', 'lt', 'lte', 'eq', 'ne']) {
        const filter = condition('big', op, value);
        expect([filter, await connector.count('numbers', filter)]).toEqual([filter, matching(all, filter).length]);
        const negated = { not: filter };
        expect(await connector.count('numbers', negated)).toBe(matching(all, negated).length);
      }
    }
  });

  it('compare text as it is: with blanks at its ends, by code point, on the server where the field was announced', async () => {
    const connector = open();
    const texts = ['a', 'a ', ' a', 'a\n', 'a b', '', ' ', '\u{fb01}', '\u{1f600}', 'A', 'x'.repeat(9_000), 'the'];
    const all = records(texts.length, 4, (index) => ({ text: texts[index] ?? '', twin: texts[index] ?? '' }));
    await connector.createCollection({ ...SPEC, name: 'texts', filterFields: [{ name: 'text', type: 'string' }] });
    await connector.upsert('texts', all);
    for (const field of ['text', 'twin']) {
      for (const value of texts.filter(({ length }) => length < 8_192)) {
        for (const op of ['gt', 'gte', 'lt', 'lte', 'eq', 'ne']) {
          const filter = condition(field, op, value);
          expect([filter, await connector.count('texts', filter)]).toEqual([filter, matching(all, filter).length]);
        }
      }
    }
  });

  it('tell keys apart whose properties would be one, or none', async () => {
    const connector = open();
    const keys = ['Key', 'key', 'KEY', '_additional', 'id', '_id', 'a_searchable', 'n', '__x', '日本', 'a.b', 'a_b'];
    const metadata = Object.fromEntries(keys.map((key, index) => [key, index]));
    await connector.createCollection({ ...SPEC, name: 'keys' });
    await connector.upsert('keys', [{ id: 'a', vector: VECTOR, metadata }]);
    expect((await connector.fetch('keys', ['a'])).records[0]?.metadata).toEqual(metadata);
    for (const [index, key] of keys.entries()) {
      expect(await connector.count('keys', condition(key, 'gte', index))).toBe(1);
      expect(await connector.count('keys', condition(key, 'gt', index))).toBe(0);
    }
  });

  it('see a number under a key that another connector has written first', async () => {
    const [reader, writer] = [open(), open()];
    await reader.createCollection({ ...SPEC, name: 'late' });
    expect(await reader.count('late', condition('n', 'gt', 0))).toBe(0);
    await writer.upsert('late', records(5, 4));
    expect(await reader.count('late', condition('n', 'gt', 0))).toBe(4);
    expect(await reader.query('late', { vector: VECTOR, topK: 9, filter: condition('n', 'gt', 2) })).toHaveLength(2);
  });

  it('are completed here for keys beyond the properties that a class may have', async () => {
    const connector = open();
    const keys = Array.from({ length: 205 }, (_, index) => `key${index}`);
    const metadata = Object.fromEntries(keys.map((key, index) => [key, index]));
    await connector.createCollection({ ...SPEC, name: 'crowded' });
    await connector.upsert('crowded', [
      { id: 'a', vector: VECTOR, metadata },
      { id: 'b', vector: VECTOR, metadata: { key204: -1 } },
    ]);
    const filter = condition('key204', 'gt', 0);
    expect(await connector.count('crowded', filter)).toBe(1);
    expect(idsOf(await connector.query('crowded', { vector: VECTOR, topK: 2, filter }))).toEqual(['a']);
    expect(await connector.deleteByFilter('crowded', { not: filter })).toEqual({ deleted: 1 });
  }, 60_000);
});

suite('a collection that is made again', () => {
  it('is not spoilt by who remembers its old dimension', async () => {
    const [connector, other] = [open(), open()];
    await connector.createCollection({ ...SPEC, name: 'again' });
    await connector.upsert('again', records(1, 4));
    await other.deleteCollection('again');
    await other.createCollection({ ...SPEC, name: 'again', dimension: 6 });
    await expect(connector.upsert('again', records(1, 4))).rejects.toMatchObject({ category: 'invalid_argument' });
    expect(await other.upsert('again', records(2, 6))).toEqual({ accepted: 2, failed: [] });
  });
});

suite('a class of another program', () => {
  it('can be read, filtered and deleted from, under its own name', async () => {
    await rest('POST', '/schema', {
      class: 'MyDocs',
      vectorizer: 'none',
      vectorIndexConfig: { distance: 'dot' },
      properties: [
        { name: 'title', dataType: ['text'] },
        { name: 'year', dataType: ['int'] },
        { name: 'tags', dataType: ['text[]'] },
      ],
    });
    const uuid = (index: number) => `00000000-0000-4000-8000-00000000000${index}`;
    await rest('POST', '/batch/objects', {
      objects: [1, 2, 3].map((index) => ({
        class: 'MyDocs',
        id: uuid(index),
        vector: [index, 0],
        properties: { title: `The ${index}`, year: 2_000 + index, tags: ['t', `t${index}`] },
      })),
    });
    const connector = open();
    expect(await connector.describeCollection('MyDocs')).toMatchObject({ metric: 'dot', createdByUs: false });
    const [hit] = await connector.query('MyDocs', { vector: [1, 0], topK: 1, include: { vector: true } });
    expect(hit).toMatchObject({
      id: uuid(3),
      metadata: { title: 'The 3', year: 2_003, tags: ['t', 't3'] },
      rawScore: -3,
    });
    expect(hit?.vector).toEqual(Float32Array.of(3, 0));
    const filter = { or: [condition('year', 'lt', 2_002), condition('tags', 'eq', 't2')] };
    expect(await connector.count('MyDocs', filter)).toBe(2);
    expect((await connector.scan('MyDocs', { pageSize: 9, filter })).records).toHaveLength(2);
    await expect(connector.upsert('MyDocs', [{ id: 'x', vector: [1, 2] }])).rejects.toMatchObject({
      category: 'unsupported',
    });
    expect(await connector.deleteByFilter('MyDocs', filter)).toEqual({ deleted: 2 });
    expect(await connector.count('MyDocs')).toBe(1);
    await connector.deleteCollection('MyDocs');
  });
});

suite('tenants', () => {
  it('share what a collection is, and nothing of what it holds', async () => {
    const [one, two, none] = [open({ tenant: 'one' }), open({ tenant: 'two' }), open()];
    await one.createCollection({ ...SPEC, name: 'shared' });
    await expect(one.createCollection({ ...SPEC, name: 'shared' })).rejects.toMatchObject({
      category: 'already_exists',
    });
    expect(await two.collectionExists('shared')).toBe(false);
    expect((await two.info()).warnings).toEqual(['No collection has the tenant two yet.']);
    await expect(two.upsert('shared', records(1, 4))).rejects.toMatchObject({ category: 'not_found' });
    await expect(two.createCollection({ ...SPEC, name: 'shared', dimension: 5 })).rejects.toMatchObject({
      category: 'conflict',
    });
    await two.createCollection({ ...SPEC, name: 'shared' });
    await one.upsert('shared', records(2, 4));
    expect([await one.count('shared'), await two.count('shared')]).toEqual([2, 0]);
    await two.deleteCollection('shared');
    expect(await one.count('shared')).toBe(2);
    expect(await none.collectionExists('shared')).toBe(false);
    expect((await two.listCollections()).collections).toEqual([]);
    expect((await one.listCollections()).collections.map(({ name }) => name)).toEqual(['shared']);
    // Once nobody has it, it may be another one.
    await one.deleteCollection('shared');
    expect(await two.createCollection({ ...SPEC, name: 'shared', dimension: 5 })).toMatchObject({ dimension: 5 });
  });
});

suite('gRPC', () => {
  it('goes where the rules for outgoing connections allow, and nowhere else', async () => {
    const { host, config } = settings;
    const denying = createEgress({ allow: [], deny: [{ host, port: config.grpcPort }], embedded: true });
    const connector = open({}, {}, denying);
    await connector.createCollection({ ...SPEC, name: 'denied' });
    await expect(connector.count('denied')).rejects.toMatchObject({ category: 'host_denied' });
  });

  it('is unavailable, and nothing is printed, where nothing listens at its port', async () => {
    const warn = jest.spyOn(console, 'warn');
    const connector = open({ grpcPort: await freePort() });
    await connector.createCollection({ ...SPEC, name: 'closed' });
    await expect(connector.count('closed')).rejects.toMatchObject({
      category: 'unavailable',
      vendorCode: 'ECONNREFUSED',
    });
    expect(warn).not.toHaveBeenCalled();
  });

  it('is asked once an attempt, and nothing is printed, where a proxy has no server for it', async () => {
    const warn = jest.spyOn(console, 'warn');
    let asked = 0;
    const proxy = createHttp2Server();
    proxy.on('stream', (stream: ServerHttp2Stream) => {
      asked++;
      const head = { ':status': 200, 'content-type': 'application/grpc' };
      stream.respond({ ...head, 'grpc-status': '14', 'grpc-message': 'no healthy upstream' }, { endStream: true });
    });
    const sessions = new Set<ServerHttp2Session>();
    proxy.on('session', (session) => sessions.add(session));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      for (const session of sessions) session.destroy();
      proxy.close();
    });
    const connector = open({ grpcPort: (proxy.address() as AddressInfo).port, retries: 2 });
    await connector.createCollection({ ...SPEC, name: 'proxied' });
    await expect(connector.count('proxied')).rejects.toMatchObject({
      category: 'unavailable',
      message: 'no healthy upstream',
    });
    expect(asked).toBe(3);
    expect(warn).not.toHaveBeenCalled();
  });
});
