import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { records } from '@morag/connectors-conformance';
import type { Filter, ServerSettings, VectorConnector } from '@morag/connectors-core';
import { qdrant } from '@morag/connectors-qdrant';
import { type QdrantStandIn, startQdrantStandIn } from '@morag/connectors-stand-ins';
import { createEgress } from '@morag/egress';

const API_KEY = 'key-of-the-remedies';
const SPEC = { dimension: 4, metric: 'cosine' } as const;
const QUERY = { vector: [1, 0, 0, 0], topK: 10 };
const egress = createEgress({ allow: [], embedded: true });
const opened: VectorConnector[] = [];
const servers: Server[] = [];
let standIn: QdrantStandIn;
let connector: VectorConnector;

beforeAll(async () => {
  standIn = await startQdrantStandIn({ apiKey: API_KEY });
  connector = open();
});

afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await standIn.stop();
});

function open(
  config: Record<string, unknown> = {},
  changes: Partial<ServerSettings> = {},
  by = egress,
): VectorConnector {
  const { host, port } = standIn;
  const settings: ServerSettings = { host, port, tls: 'DISABLED', apiKey: API_KEY, config, ...changes };
  const made = qdrant.create(settings, qdrant.options.parse(config), { egress: by });
  opened.push(made);
  return made;
}

/** What the server does by itself, or another program. */
async function raw(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`http://${standIn.host}:${standIn.port}/collections/${path}`, {
    method,
    headers: { 'api-key': API_KEY, 'content-type': 'application/json' },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const answer = (await response.json()) as { result?: unknown; status: { error?: string } };
  if (!response.ok) throw new Error(answer.status.error);
  return answer.result;
}

describe('filters that the server takes for everything', () => {
  const NOTHING: readonly Filter[] = [
    { or: [] },
    { field: 'n', op: 'in', value: [] },
    { and: [{ or: [] }, { field: 'n', op: 'gte', value: 0 }] },
    { not: { and: [] } },
    { not: { field: 'n', op: 'nin', value: [] } },
    { field: '_vk_id', op: 'exists', value: true },
  ];

  it.each(NOTHING)('delete nothing: %j', async (filter) => {
    await connector.createCollection({ ...SPEC, name: 'empty-filters', ifNotExists: true });
    await connector.upsert('empty-filters', records(3, 4));
    expect(await connector.deleteByFilter('empty-filters', filter)).toEqual({ deleted: 0 });
    expect(await connector.count('empty-filters', filter)).toBe(0);
    expect(await connector.count('empty-filters')).toBe(3);
  });

  it('delete everything when they are sent as they are', async () => {
    await connector.createCollection({ ...SPEC, name: 'sent-as-they-are' });
    await connector.upsert('sent-as-they-are', records(3, 4));
    await raw('POST', 'sent-as-they-are/points/delete?wait=true', { filter: { should: [] } });
    expect(await connector.count('sent-as-they-are')).toBe(0);
  });
});

describe('arrays', () => {
  it('are in no range, and exist when they are empty', async () => {
    await connector.createCollection({ ...SPEC, name: 'arrays' });
    await connector.upsert('arrays', [
      { id: 'list', vector: [1, 0, 0, 0], metadata: { n: [5, 50] } },
      { id: 'empty', vector: [1, 0, 0, 0], metadata: { n: [] } },
      { id: 'number', vector: [1, 0, 0, 0], metadata: { n: 50 } },
    ]);
    const over = { key: 'n', range: { gt: 9 } };
    expect(await raw('POST', 'arrays/points/count', { filter: { must: [over] } })).toEqual({ count: 2 });
    expect(await connector.count('arrays', { field: 'n', op: 'gt', value: 9 })).toBe(1);
    expect(await connector.count('arrays', { field: 'n', op: 'exists', value: true })).toBe(3);
    // The mark follows the metadata.
    await connector.updateMetadata('arrays', 'list', { n: 60 });
    await connector.updateMetadata('arrays', 'number', { n: [60] });
    const { records: found } = await connector.scan('arrays', {
      pageSize: 9,
      filter: { field: 'n', op: 'gt', value: 9 },
    });
    expect(found.map(({ id }) => id)).toEqual(['list']);
  });
});

describe('huge numbers', () => {
  it('that overflow the distance leave a record in the answer, as the farthest', async () => {
    await connector.createCollection({ name: 'huge', dimension: 2, metric: 'euclidean' });
    await connector.upsert('huge', [
      { id: 'far', vector: [-1.8e19, 0] },
      { id: 'near', vector: [1.7e19, 0] },
    ]);
    const hits = await connector.query('huge', { vector: [1.8e19, 0], topK: 5 });
    expect(hits.map(({ id, score }) => [id, score > 0])).toEqual([
      ['near', true],
      ['far', false],
    ]);
  });

  it('are refused where they would be stored as no numbers', async () => {
    const broken = [{ id: 'broken', vector: [1e39, 0] }];
    await expect(connector.upsert('huge', broken)).rejects.toMatchObject({ category: 'invalid_argument' });
  });
});

describe('writes', () => {
  it('that the server puts off are not taken for done', async () => {
    await connector.createCollection({ ...SPEC, name: 'put-off' });
    await connector.upsert('put-off', records(2, 4));
    const hasty = open({ retries: 0 });
    standIn.setFault({ kind: 'putOff' });
    try {
      await expect(hasty.upsert('put-off', records(1, 4))).rejects.toMatchObject({ category: 'timeout' });
      await expect(hasty.deleteByIds('put-off', ['r0'])).rejects.toMatchObject({ category: 'timeout' });
    } finally {
      standIn.setFault(undefined);
    }
  });

  it('fail on a full disk, and reads go on', async () => {
    await connector.createCollection({ ...SPEC, name: 'full' });
    await connector.upsert('full', records(2, 4));
    standIn.setFault({ kind: 'diskFull' });
    try {
      await expect(connector.upsert('full', records(1, 4))).rejects.toMatchObject({ category: 'internal' });
      expect(await connector.query('full', QUERY)).toHaveLength(2);
    } finally {
      standIn.setFault(undefined);
    }
  });

  it('recognise what the attempt before has done', async () => {
    standIn.setFault({ kind: 'truncated', afterBytes: 9, once: true });
    const made = await connector.createCollection({ ...SPEC, name: 'once' });
    expect(made.name).toBe('once');
    await expect(connector.createCollection({ ...SPEC, name: 'once' })).rejects.toMatchObject({
      category: 'already_exists',
    });
    standIn.setFault({ kind: 'truncated', afterBytes: 9, once: true });
    await connector.deleteCollection('once');
    await expect(connector.deleteCollection('once')).rejects.toMatchObject({ category: 'not_found' });
  });
});

/** A server of our own making, for what the stand-in never does. */
async function serve(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

describe('a collection that another client is just making', () => {
  it('is waited for, where it may exist', async () => {
    const info = await raw('GET', (await connector.createCollection({ ...SPEC, name: 'ready' })).nativeName);
    let asked = 0;
    const port = await serve(({ method }, response) => {
      const taken = method === 'PUT';
      response.statusCode = taken ? 409 : ++asked === 1 ? 404 : 200;
      response.setHeader('content-type', 'application/json');
      const text = taken ? 'Wrong input: Collection `c` already exists!' : "Not found: Collection `c` doesn't exist!";
      response.end(JSON.stringify({ result: info, status: response.statusCode === 200 ? 'ok' : { error: text } }));
    });
    const late = open({}, { port });
    expect(await late.createCollection({ ...SPEC, name: 'c', ifNotExists: true })).toMatchObject({ dimension: 4 });
    await expect(late.createCollection({ ...SPEC, name: 'c' })).rejects.toMatchObject({ category: 'already_exists' });
  });
});

describe('what the SDK loses', () => {
  it('is told: all digits of Retry-After, and the text of a refusal', async () => {
    const hasty = open({ retries: 0 });
    standIn.setFault({ kind: 'status', status: 429, retryAfterSeconds: 20 });
    try {
      const error = { category: 'rate_limited', retryAfterMs: 20_000 };
      await expect(hasty.listCollections()).rejects.toMatchObject(error);
    } finally {
      standIn.setFault(undefined);
    }
    await connector.createCollection({ ...SPEC, name: 'refused' });
    standIn.setFault({ kind: 'wrongDimension' });
    try {
      await expect(hasty.query('refused', QUERY)).rejects.toMatchObject({
        category: 'invalid_argument',
        message: 'Wrong input: Vector dimension error: expected dim: 3, got 4',
      });
    } finally {
      standIn.setFault(undefined);
    }
  });

  it('is kept: the deadline of a call, and what breaks off', async () => {
    const hasty = open({ retries: 0 });
    standIn.setFault({ kind: 'slow', delayMs: 3_000 });
    try {
      await expect(hasty.ping({ timeoutMs: 200 })).rejects.toMatchObject({ category: 'timeout' });
      standIn.setFault({ kind: 'truncated', afterBytes: 9 });
      await expect(hasty.ping()).rejects.toMatchObject({ category: 'unavailable' });
    } finally {
      standIn.setFault(undefined);
    }
  });

  it('is kept: the rules for outgoing connections, though it has an agent of its own', async () => {
    const denying = createEgress({ allow: [], deny: [standIn], embedded: true });
    await expect(open({}, {}, denying).ping()).rejects.toMatchObject({ category: 'host_denied' });
  });

  it('is sent: the prefix, the key, and nothing that asks for compression', async () => {
    const seen: (string | undefined)[] = [];
    const port = await serve(({ url, headers }, response) => {
      seen.push(url, headers['api-key'] as string, headers['accept-encoding']);
      response.setHeader('content-type', 'application/json');
      response.end('{"result":{"collections":[]},"status":"ok","time":0}');
    });
    await open({ prefix: '/vectors/q' }, { port }).ping();
    expect(seen).toEqual(['/vectors/q/collections', API_KEY, 'identity']);
  });
});

describe('a collection of another program', () => {
  it('keeps its ids and its payload, and is filtered alike', async () => {
    await raw('PUT', 'theirs', { vectors: { size: 4, distance: 'Dot' } });
    const points = `{"id":9007199254740993,"vector":[1,1,0,0],"payload":{"n":[5,50],"big":9007199254740993}},
      {"id":7,"vector":[1,0,0,0],"payload":{"n":50,"_vk_id":"theirs"}}`;
    await raw('PUT', 'theirs/points?wait=true', `{"points":[${points}]}`);
    const { createdByUs, metric } = await connector.describeCollection('theirs');
    expect([createdByUs, metric]).toEqual([false, 'dot']);
    const { records: found } = await connector.fetch('theirs', ['7', '9007199254740993', 'doc-1'], { vector: true });
    expect(found.map(({ id, metadata, vector }) => [id, metadata, vector?.length])).toEqual([
      ['7', { n: 50, _vk_id: 'theirs' }, 4],
      ['9007199254740993', { n: [5, 50], big: 2 ** 53 }, 4],
    ]);
    expect(await connector.count('theirs', { field: 'n', op: 'gt', value: 9 })).toBe(1);
    const [hit] = await connector.query('theirs', { ...QUERY, filter: { field: 'n', op: 'gt', value: 9 } });
    expect(hit?.id).toBe('7');
    await connector.upsert('theirs', [{ id: '8', vector: [0, 0, 0, 1], metadata: { n: 1 } }]);
    for (const refused of [{ id: 'doc' }, { id: '9', document: 'text' }]) {
      const upsert = connector.upsert('theirs', [{ ...refused, vector: [0, 0, 0, 1] }]);
      await expect(upsert).rejects.toMatchObject({ category: 'invalid_argument' });
    }
    expect(await connector.deleteByFilter('theirs', { field: 'n', op: 'gt', value: 9 })).toEqual({ deleted: 1 });
    expect(await connector.count('theirs')).toBe(2);
  });
});

describe('a collection made again by another program', () => {
  it('is not read by the metric of the old one', async () => {
    const other = open();
    await connector.createCollection({ ...SPEC, name: 'again' });
    await connector.upsert('again', records(1, 4));
    await other.deleteCollection('again');
    await other.createCollection({ ...SPEC, name: 'again', metric: 'euclidean' });
    await other.upsert('again', [{ id: 'a', vector: [3, 4, 0, 0] }]);
    const [hit] = await connector.query('again', { vector: [0, 0, 0, 0.5], topK: 1 });
    expect(hit?.score).toBeCloseTo(1 / (1 + 25.25), 6);
  });
});

describe('strict mode', () => {
  it('lets pass what the declared fields are asked for', async () => {
    const filterFields = [
      { name: 'n', type: 'number' },
      { name: 'a.b', type: 'string' },
    ] as const;
    await connector.createCollection({ ...SPEC, name: 'strict', filterFields });
    await connector.upsert('strict', [
      { id: 'x', vector: [1, 0, 0, 0], metadata: { n: 2, 'a.b': 'x', other: 1 } },
      { id: 'y', vector: [1, 0, 0, 0], metadata: { n: [2], 'a.b': 'y' } },
    ]);
    await raw('PATCH', 'strict', { strict_mode_config: { enabled: true, unindexed_filtering_retrieve: false } });
    const count = (filter: Filter) => connector.count('strict', filter);
    expect(await count({ field: 'n', op: 'gte', value: 1.5 })).toBe(1);
    expect(await count({ field: 'n', op: 'in', value: [1, 2] })).toBe(2);
    expect(await count({ field: 'a.b', op: 'eq', value: 'y' })).toBe(1);
    await expect(count({ field: 'other', op: 'eq', value: 1 })).rejects.toMatchObject({
      category: 'invalid_argument',
      message: expect.stringContaining('Index required but not found for "other"'),
    });
  });
});

describe('hybrid queries', () => {
  const near = { id: 'near', vector: [1, 0, 0, 0], document: 'a tap' };
  // Farther from the query than all others, and so in the order by words alone.
  const word = { id: 'word', vector: [-1, 0, 0, 0], document: 'the valve' };
  const request = { vector: near.vector, text: 'Valve', topK: 2 };

  it('weigh the two orders, also where the connector fuses them', async () => {
    await connector.createCollection({ ...SPEC, name: 'weighed' });
    await connector.upsert('weighed', [near, word, ...records(60, 4)]);
    const completed: Filter = { not: { field: 'k', op: 'gt', value: 'text' } };
    for (const filter of [undefined, completed]) {
      const first = async (vectorWeight: number) =>
        (await connector.hybridQuery('weighed', { ...request, vectorWeight, filter }))[0]?.id;
      expect([await first(0.95), await first(0.05)]).toEqual(['near', 'word']);
    }
  });

  it('are unsupported where the documents were not indexed by words', async () => {
    const wordless = open({ words: false });
    await wordless.createCollection({ ...SPEC, name: 'wordless' });
    await wordless.upsert('wordless', [near, word]);
    await expect(wordless.hybridQuery('wordless', request)).rejects.toMatchObject({ category: 'unsupported' });
  });
});
