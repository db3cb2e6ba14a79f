import type { JsonValue } from '@bufbuild/protobuf';
import { fromJson } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EmbedderError } from '@morag/embedder';
import { SearchRequest_Mode } from '@morag/gen/morag/documents/v1/search_service_pb.ts';
import { FilterSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import type { DocumentsInstance } from '../src/app.ts';
import type { FakeDatabase } from './fake-servers.ts';
import { type Caller, chapters, createHarness, type Harness, ingest, reasonOf, upload } from './harness.ts';

let harness: Harness;
let instance: DocumentsInstance;
let caller: Caller;
let database: FakeDatabase;

beforeAll(async () => {
  harness = await createHarness();
  instance = await harness.start();
  caller = await harness.caller(instance);
  database = harness.servers.add(caller.userId);
  for (const [animal, year] of [
    ['zebra', 2001],
    ['walrus', 2002],
    ['ocelot', 2003],
  ] as const) {
    const metadata = { animal, year, tags: [animal, 'all'] };
    await ingest(caller, { databaseId: database.id, name: `${animal}.md`, content: chapters(animal), metadata });
  }
});
afterAll(() => harness.close());

const search = (request: { query: string; mode?: SearchRequest_Mode; topK?: number; filter?: JsonValue }) =>
  caller.search.search({
    databaseId: database.id,
    ...request,
    filter: request.filter === undefined ? undefined : fromJson(FilterSchema, request.filter),
  });
const names = async (request: Parameters<typeof search>[0]) => [
  ...new Set((await search(request)).hits.map(({ document }) => document?.name)),
];

describe('search', () => {
  it.each([SearchRequest_Mode.HYBRID, SearchRequest_Mode.VECTOR, SearchRequest_Mode.LEXICAL])(
    'finds by mode %s',
    async (mode) => {
      const { hits, degraded } = await search({ query: 'walrus', mode, topK: 1 });
      expect(hits[0]?.document?.name).toBe('walrus.md');
      expect(hits[0]?.score).toBeCloseTo(1, 2);
      expect(degraded).toBe(false);
    },
  );

  it('brings no more than asked for, the best first, and none below the least score', async () => {
    const { hits } = await search({ query: 'zebra chapter described', topK: 2 });
    expect(hits).toHaveLength(2);
    expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a));
    const picky = await caller.search.search({ databaseId: database.id, query: 'zebra', minScore: 0.9 });
    expect(picky.hits.every(({ score }) => score >= 0.9)).toBe(true);
  });

  it.each<[string, JsonValue, string[]]>([
    ['equality', { field: 'animal', op: 'EQ', value: 'walrus' }, ['walrus.md']],
    ['a range', { field: 'year', op: 'GTE', value: 2003 }, ['ocelot.md']],
    ['an element of a list', { field: 'tags', op: 'EQ', value: 'zebra' }, ['zebra.md']],
    ['a negation', { not: { field: 'animal', op: 'IN', value: ['zebra', 'walrus'] } }, ['ocelot.md']],
    ['nothing', { field: 'animal', op: 'EQ', value: 'unicorn' }, []],
  ])('filters by %s in both legs', async (_what, filter, expected) => {
    for (const mode of [SearchRequest_Mode.VECTOR, SearchRequest_Mode.LEXICAL, SearchRequest_Mode.HYBRID]) {
      expect(await names({ query: 'animal chapter described sentence', filter, mode, topK: 50 })).toEqual(expected);
    }
  });

  it('refuses a filter that is none, and says where', async () => {
    const filter = { and: [{ field: 'animal', op: 'GT', value: true }] };
    expect(await reasonOf(search({ query: 'zebra', filter }))).toBe('INVALID_FILTER');
  });

  it('answers by words while the vector server is away, and says so', async () => {
    harness.servers.vectorsDown = true;
    const answer = await search({ query: 'ocelot', topK: 1 });
    const alone = await reasonOf(search({ query: 'ocelot', mode: SearchRequest_Mode.VECTOR }));
    harness.servers.vectorsDown = false;
    expect(answer).toMatchObject({ degraded: true, degradedReason: expect.stringContaining('vector server is away') });
    expect(answer.hits[0]?.document?.name).toBe('ocelot.md');
    expect(alone).toBe('NO_PLACEMENT_AVAILABLE');
  });

  it('answers by words while the embedder is away', async () => {
    harness.embedder.failure = new EmbedderError('The endpoint is down.', { retryable: true });
    const answer = await search({ query: 'ocelot', topK: 1 });
    harness.embedder.failure = undefined;
    expect(answer).toMatchObject({ degraded: true, degradedReason: expect.stringContaining('endpoint is down') });
    expect(answer.hits[0]?.document?.name).toBe('ocelot.md');
  });

  it('answers by meaning when no word is known', async () => {
    const { hits, degraded } = await search({ query: 'the of and', topK: 3 });
    expect(hits.length).toBeGreaterThan(0);
    expect(degraded).toBe(false);
  });

  it('never shows records that no passage names, however many are nearer', async () => {
    const [{ vector } = { vector: [] }] = database.records.values();
    for (let at = 0; at < 400; at += 1) {
      database.records.set(crypto.randomUUID(), { vector, metadata: { documentId: crypto.randomUUID() } });
    }
    const { hits } = await search({ query: 'zebra', mode: SearchRequest_Mode.VECTOR, topK: 3 });
    expect(hits).toHaveLength(3);
    expect(hits.every(({ document }) => document?.name.endsWith('.md'))).toBe(true);
  });

  it('is refused on a database of another model', async () => {
    const other = harness.servers.add(caller.userId, { model: 'another' });
    const call = caller.search.search({ databaseId: other.id, query: 'zebra' });
    expect(await reasonOf(call)).toBe('EMBEDDING_MISMATCH');
  });

  it('is refused after the installation changed its model, where the database names none', async () => {
    await harness.sql(
      `update documents.document_counters set embedding = 'local/older (64 dimensions)'
      where database_id = $1`,
      [database.id],
    );
    const file = { databaseId: database.id, name: 'more.txt', content: 'The heron stands in the water.' };
    const reasons = await Promise.all([reasonOf(search({ query: 'zebra' })), reasonOf(upload(caller, file))]);
    expect(reasons).toEqual(['EMBEDDING_MISMATCH', 'EMBEDDING_MISMATCH']);
    expect(await names({ query: 'zebra', mode: SearchRequest_Mode.LEXICAL })).toEqual(['zebra.md']);
  });
});
