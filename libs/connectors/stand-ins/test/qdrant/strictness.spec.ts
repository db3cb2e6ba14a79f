import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type QdrantStandIn, startQdrantStandIn } from '../../src/index.ts';

let standIn: QdrantStandIn;

beforeAll(async () => {
  standIn = await startQdrantStandIn();
  await send('PUT', '/collections/c', { vectors: { d: { size: 2, distance: 'Dot' } }, sparse_vectors: { s: {} } });
});

afterAll(() => standIn.stop());

async function send(method: string, path: string, body?: unknown) {
  const { host, port } = standIn;
  const response = await fetch(`http://${host}:${port}${path}`, { method, body: JSON.stringify(body) });
  return { status: response.status, answer: (await response.json()) as { result?: unknown; status: unknown } };
}

const ENDPOINTS = [
  'PUT /collections/other',
  'POST /collections/aliases',
  'PUT /collections/c/index',
  'PUT /collections/c/points',
  'POST /collections/c/points',
  'POST /collections/c/points/delete',
  'PUT /collections/c/points/vectors',
  'POST /collections/c/points/payload',
  'PUT /collections/c/points/payload',
  'POST /collections/c/points/payload/delete',
  'POST /collections/c/points/payload/clear',
  'POST /collections/c/points/batch',
  'POST /collections/c/points/scroll',
  'POST /collections/c/points/count',
  'POST /collections/c/points/query',
  'POST /collections/c/points/query/batch',
  'POST /collections/c/points/query/groups',
  'POST /collections/c/points/search',
  'POST /collections/c/facet',
];

/** What no endpoint reads: a wrong type in every place that one of them looks at. */
const BROKEN: readonly unknown[] = [
  null,
  7,
  'text',
  [],
  {
    vectors: 1,
    actions: {},
    field_name: 1,
    points: 'x',
    ids: {},
    operations: 1,
    keys: 1,
    payload: 1,
    searches: 1,
    limit: 'x',
    query: { nearest: {} },
    vector: 'x',
    group_by: 1,
    key: 1,
    filter: 1,
  },
  {
    vectors: { d: null },
    actions: [1],
    field_name: 'f',
    field_schema: {},
    points: [null],
    ids: [{}],
    operations: [{ upsert: null }],
    keys: [1],
    payload: [],
    searches: [null],
    query: 'x',
    vector: [null],
    group_by: '[',
    key: '',
    filter: { must: [{ key: 1 }] },
    with_payload: 1,
  },
];

describe('the stand-in for Qdrant', () => {
  it.each(ENDPOINTS)('refuses at %s what it cannot read, in the form of the server', async (endpoint) => {
    const [method = '', path = ''] = endpoint.split(' ');
    for (const body of BROKEN) {
      const { status, answer } = await send(method, path, body);
      expect([body, status, answer.status]).toEqual([body, expect.any(Number), { error: expect.any(String) }]);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }
  });

  it('takes sparse vectors, ranks by them, and refuses broken ones', async () => {
    const point = (id: number, vector: unknown) => ({ points: [{ id, vector }] });
    const put = (id: number, vector: unknown) => send('PUT', '/collections/c/points?wait=true', point(id, vector));
    expect((await put(1, { d: [1, 0], s: { indices: [9, 3], values: [1, 2] } })).status).toBe(200);
    expect((await put(2, { s: { indices: [3], values: [5] } })).status).toBe(200);
    expect((await put(3, { s: { indices: [3, 3], values: [5, 5] } })).status).toBe(422);
    expect((await put(3, { s: { indices: [3], values: [5, 5] } })).status).toBe(422);
    expect((await put(3, { s: [1, 0] })).status).toBe(400);
    const query = { query: { indices: [3], values: [1] }, using: 's' };
    const { answer } = await send('POST', '/collections/c/points/query', query);
    expect(answer.result).toMatchObject({
      points: [
        { id: 2, score: 5 },
        { id: 1, score: 2 },
      ],
    });
  });

  it('carries out late what it puts off, and outlives what fails then', async () => {
    const path = '/collections/c/points?wait=true&timeout=0';
    for (const vector of [{ d: [1, 2, 3] }, { d: [1, 2] }]) {
      const { answer } = await send('PUT', path, { points: [{ id: 9, vector }] });
      expect(answer.result).toMatchObject({ status: 'wait_timeout' });
    }
    const deadline = performance.now() + 10_000;
    let found: unknown = [];
    while (Array.isArray(found) && found.length === 0 && performance.now() < deadline) {
      found = (await send('POST', '/collections/c/points', { ids: [9] })).answer.result;
    }
    expect(found).toEqual([{ id: 9 }]);
  });
});
