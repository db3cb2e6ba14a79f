import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type PineconeStandIn, startPineconeStandIn } from './pinecone.stand-in.ts';

const API_KEY = 'the-key';
const HEADERS = { 'api-key': API_KEY, 'x-pinecone-api-version': '2026-07', 'content-type': 'application/json' };
const INDEX = {
  name: 'docs',
  schema: { fields: { _values: { type: 'dense_vector', dimension: 2, metric: 'cosine' } } },
  deployment: { deployment_type: 'managed', cloud: 'aws', region: 'us-east-1' },
};
let standIn: PineconeStandIn;
let host = '';

beforeAll(async () => {
  standIn = await startPineconeStandIn({ apiKey: API_KEY });
  ({ host } = (await (await send('POST', '/indexes', INDEX)).json()) as { host: string });
});

afterAll(() => standIn.stop());

function send(method: string, path: string, body?: unknown, headers: Record<string, string> = HEADERS) {
  const basis = path.startsWith('/indexes') ? standIn.url : host;
  return fetch(basis + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
}

async function answerTo(method: string, path: string, body?: unknown): Promise<[status: number, body: unknown]> {
  const response = await send(method, path, body);
  return [response.status, await response.json()];
}

const vectors = (changes: object) => ({ vectors: [{ id: 'a', values: [1, 0], ...changes }] });

describe('the control plane', () => {
  it('asks for the key in plain text, and for the version', async () => {
    const refused = await send('GET', '/indexes', undefined, { ...HEADERS, 'api-key': 'other' });
    expect([refused.status, await refused.text()]).toEqual([401, 'Invalid API Key']);
    const old = await send('GET', '/indexes', undefined, { ...HEADERS, 'x-pinecone-api-version': '2024-01' });
    expect(old.status).toBe(400);
  });

  it.each<[string, object, number]>([
    ['a name that is taken', {}, 409],
    ['an upper-case name', { name: 'Docs' }, 422],
    ['an unknown field', { name: 'x', pods: 1 }, 422],
    [
      'a dimension of text',
      { name: 'x', schema: { fields: { _values: { ...INDEX.schema.fields._values, dimension: '2' } } } },
      422,
    ],
    ['a tag that is not ASCII', { name: 'x', tags: { name: 'Ünï' } }, 422],
  ])('refuses %s', async (_, changes, status) => {
    const [actual, body] = await answerTo('POST', '/indexes', { ...INDEX, ...changes });
    expect([actual, body]).toEqual([
      status,
      { status, error: { code: expect.any(String), message: expect.any(String) } },
    ]);
  });

  it('refuses other methods and paths', async () => {
    expect((await answerTo('PUT', '/indexes', {}))[0]).toBe(405);
    expect((await answerTo('GET', '/indexes/absent'))[0]).toBe(404);
    expect((await answerTo('GET', '/indexes/docs/more'))[0]).toBe(404);
  });
});

describe('the data plane', () => {
  it.each<[string, string, object]>([
    ['an unknown field', '/vectors/upsert', { ...vectors({}), wait: true }],
    ['a wrong type', '/vectors/upsert', vectors({ values: ['1', '0'] })],
    ['another dimension', '/vectors/upsert', vectors({ values: [1] })],
    ['zero', '/vectors/upsert', vectors({ values: [0, 1e-9] })],
    ['an id that is not ASCII', '/vectors/upsert', vectors({ id: 'é' })],
    ['null in metadata', '/vectors/upsert', vectors({ metadata: { a: null } })],
    ['an object in metadata', '/vectors/upsert', vectors({ metadata: { a: {} } })],
    ['a list of numbers in metadata', '/vectors/upsert', vectors({ metadata: { a: [1] } })],
    ['too much metadata', '/vectors/upsert', vectors({ metadata: { a: 'x'.repeat(41_000) } })],
    [
      'too many vectors',
      '/vectors/upsert',
      { vectors: Array.from({ length: 1_001 }, (_, id) => ({ id: `${id}`, values: [1, 0] })) },
    ],
    ['too large a request', '/vectors/upsert', vectors({ metadata: { a: 'x'.repeat(2_100_000) } })],
    ['topK of zero', '/query', { vector: [1, 0], topK: 0 }],
    ['neither vector nor id', '/query', { topK: 1 }],
    ['an empty filter', '/query', { vector: [1, 0], topK: 1, filter: {} }],
    ['a range of text', '/query', { vector: [1, 0], topK: 1, filter: { a: { $gt: 'x' } } }],
    ['an operator that there is not', '/query', { vector: [1, 0], topK: 1, filter: { a: { $regex: 'x' } } }],
    ['a negation', '/query', { vector: [1, 0], topK: 1, filter: { $not: { a: 1 } } }],
    ['ids and a filter', '/vectors/delete', { ids: ['a'], filter: { a: 1 } }],
    ['statistics with a filter', '/describe_index_stats', { filter: { a: 1 } }],
  ])('refuses %s', async (_, path, body) => {
    expect(await answerTo('POST', path, body)).toEqual([
      400,
      { code: expect.any(Number), message: expect.any(String), details: [] },
    ]);
  });

  it('answers 404 to a deletion in a namespace that does not exist, and 405 to other methods', async () => {
    expect((await answerTo('POST', '/vectors/delete', { ids: ['a'], namespace: 'absent' }))[0]).toBe(404);
    expect((await answerTo('GET', '/query'))[0]).toBe(405);
  });

  it('numbers writes, and tells with a query how far it sees', async () => {
    standIn.setLags({ writeMs: 60_000 });
    const written = await send('POST', '/vectors/upsert', { ...vectors({}), namespace: 'lag' });
    expect(written.headers.get('x-pinecone-request-lsn')).toBe('1');
    const query = () => send('POST', '/query', { vector: [1, 0], topK: 1, namespace: 'lag' });
    expect((await query()).headers.get('x-pinecone-max-indexed-lsn')).toBe('0');
    standIn.setLags({ writeMs: 0 });
    const seen = await query();
    expect(seen.headers.get('x-pinecone-max-indexed-lsn')).toBe('1');
    expect(await seen.json()).toMatchObject({ matches: [{ id: 'a', score: 1 }] });
  });
});
