import assert from 'node:assert/strict';
import type { Capabilities, VectorRecord } from '@morag/connectors-core';
import { type CaseContext, type ConformanceCase, rejects } from '../conformance-case.ts';

const without = ({ hybrid }: Capabilities) => hybrid === 'none' && 'the vendor finds no documents by words';

/** The nearest to this is `near`; `word` has the rare word and points away from it; `both` has half of each. */
const VECTOR = [1, 0, 0, 0];
const TEXT = 'Replacing E-4711 valve';

function library(): VectorRecord[] {
  const record = (id: string, vector: number[], document: string | undefined, part = 'b'): VectorRecord => ({
    id,
    vector,
    document,
    metadata: { part },
  });
  return [
    record('near', [1, 0.01, 0, 0], 'How to swap a tap', 'a'),
    record('both', [1, 0.2, 0, 0], 'The valve E-4711 is replaced like this: …', 'a'),
    record('word', [-1, 0.5, 0, 0], 'Spare parts: e-4711, E-4712', 'a'),
    record('joined', [-1, 0, 1, 0], 'E-47110 and 14711 are other parts'),
    record('silent', [-1, 0, 0, 1], undefined),
    ...Array.from({ length: 60 }, (_, index) =>
      record(
        `other${index}`,
        [0.2 + index / 500, Math.cos(index), Math.sin(index), 1],
        `The page ${index} is about the weather`,
      ),
    ),
  ];
}

async function load({ connector, collection }: CaseContext): Promise<string> {
  const name = await collection({ filterFields: [{ name: 'part', type: 'string' }] });
  await connector.upsert(name, library());
  return name;
}

const ids = (hits: readonly { readonly id: string }[]) => hits.map(({ id }) => id);

/** Beyond the sixty: what the port has gained since they were agreed on. */
export const HYBRID_CASES: readonly ConformanceCase[] = [
  {
    id: 65,
    title: 'a hybrid query finds what is near and what has the words, and first what is both',
    skip: without,
    async run(context) {
      const { connector } = context;
      const name = await load(context);
      const hits = await connector.hybridQuery(name, { vector: VECTOR, text: TEXT, topK: 10 });
      assert.equal(hits.length, 10);
      assert.equal(hits[0]?.id, 'both');
      for (const id of ['near', 'word']) assert.ok(ids(hits).includes(id), `${id} is missing`);
      for (const [index, { score }] of hits.entries()) {
        assert.ok(score >= 0 && score <= 1, `score ${score}`);
        assert.ok(score <= (hits[index - 1]?.score ?? 1), 'not in the order of the scores');
      }
    },
  },
  {
    id: 66,
    title: 'the weight of the vector goes from words alone to the vector alone',
    skip: without,
    async run(context) {
      const { connector } = context;
      const name = await load(context);
      const query = { vector: VECTOR, text: '4711', topK: 5 };
      const byWords = await connector.hybridQuery(name, { ...query, vectorWeight: 0 });
      assert.deepEqual(ids(byWords).sort(), ['both', 'word'], 'words alone');
      const byVector = await connector.hybridQuery(name, { ...query, vectorWeight: 1 });
      assert.deepEqual(ids(byVector), ids(await connector.query(name, { vector: VECTOR, topK: 5 })), 'vector alone');
    },
  },
  {
    id: 67,
    title: 'a hybrid query keeps its filter, and brings only what is asked for',
    skip: without,
    async run(context) {
      const { connector } = context;
      const name = await load(context);
      const filter = { field: 'part', op: 'eq', value: 'a' } as const;
      const query = { vector: VECTOR, text: TEXT, topK: 10, filter };
      const include = { vector: true, metadata: false, document: false };
      const hits = await connector.hybridQuery(name, { ...query, include });
      assert.deepEqual(ids(hits).sort(), ['both', 'near', 'word']);
      for (const { vector, metadata, document } of hits) {
        assert.equal(vector?.length, 4);
        assert.deepEqual([metadata, document], [undefined, undefined]);
      }
      const [first] = await connector.hybridQuery(name, query);
      assert.deepEqual([first?.metadata, first?.vector], [{ part: 'a' }, undefined]);
      assert.match(first?.document ?? '', /valve E-4711/);
      assert.deepEqual(await connector.hybridQuery(name, { ...query, filter: { or: [] } }), []);
    },
  },
  {
    id: 68,
    title: 'the text of a hybrid query is words and nothing else',
    skip: without,
    async run(context) {
      const { connector } = context;
      const name = await load(context);
      for (const text of [
        `weather' | 'valve`,
        'weather & !valve:*',
        '"weather" AND (page~2 OR [x TO y])^3',
        'weather\\',
        '?!…',
        '',
        '😀',
        'w'.repeat(4_000),
      ]) {
        const hits = await connector.hybridQuery(name, { vector: VECTOR, text, topK: 3 });
        assert.equal(hits.length, 3, text);
      }
      assert.deepEqual(
        await connector.hybridQuery(name, { vector: VECTOR, text: '?!…', topK: 3, vectorWeight: 0 }),
        [],
      );
    },
  },
  {
    id: 69,
    title: 'a malformed hybrid query is refused, and every one where the vendor has no words',
    async run(context) {
      const { connector } = context;
      const name = await load(context);
      const query = { vector: VECTOR, text: TEXT, topK: 3 };
      if (connector.capabilities().hybrid === 'none') {
        await rejects(connector.hybridQuery(name, query), 'unsupported');
        return;
      }
      for (const changes of [
        { topK: 0 },
        { topK: 1.5 },
        { vector: [1, 2, 3] },
        { vectorWeight: 1.1 },
        { vectorWeight: Number.NaN },
        { text: 'nul\0' },
        { text: 'x'.repeat(8_193) },
      ]) {
        await rejects(connector.hybridQuery(name, { ...query, ...changes }), 'invalid_argument');
      }
      await rejects(connector.hybridQuery(context.name(), query), 'not_found');
    },
  },
];
