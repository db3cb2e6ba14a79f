import assert from 'node:assert/strict';
import { type Hit, type Metric, SCORE_TOLERANCE, type VectorRecord } from '@morag/connectors-core';
import { type ConformanceCase, rejects } from '../conformance-case.ts';
import { nearest, random, records, vectorOf } from '../data.ts';

/** Same scores in the same order, and the same ids but for what is equal within the tolerance. */
function assertHits(hits: readonly Hit[], expected: readonly { id: string; score: number }[]): void {
  assert.equal(hits.length, expected.length);
  for (const [index, hit] of hits.entries()) {
    const wanted = expected[index];
    assert.ok(
      wanted && Math.abs(hit.score - wanted.score) <= SCORE_TOLERANCE,
      `hit ${index}: ${hit.score} for ${wanted?.score}`,
    );
    const tied = expected.some(({ id, score }) => id === hit.id && Math.abs(score - hit.score) <= SCORE_TOLERANCE);
    assert.ok(tied, `${hit.id} is not among the nearest`);
  }
}

const ORDER: Readonly<Record<Metric, number>> = { cosine: 1, dot: 2, euclidean: 3 };

export const QUERY_CASES: readonly ConformanceCase[] = [
  {
    id: 29,
    title: 'order and scores of every metric are those of the definition',
    async run({ connector, collection }) {
      for (const metric of connector.capabilities().metrics) {
        const name = await collection({ dimension: 8, metric });
        const all = records(150, 8, undefined, ORDER[metric]);
        await connector.upsert(name, all);
        const next = random(29);
        for (let round = 0; round < 10; round++) {
          const vector = vectorOf(next, 8);
          const hits = await connector.query(name, { vector, topK: 10 });
          assertHits(hits, nearest(all, { metric, vector, topK: 10 }));
          for (const { score } of hits) assert.ok(score >= 0 && score <= 1);
        }
        const same = all[0] as VectorRecord;
        if (metric !== 'dot')
          assert.ok(
            Math.abs((await connector.query(name, { vector: same.vector, topK: 1 }))[0]!.score - 1) < SCORE_TOLERANCE,
          );
      }
    },
  },
  {
    id: 30,
    title: 'topK beyond the count gives all; topK of zero, less or too much is refused',
    async run({ connector, collection }) {
      const name = await collection();
      await connector.upsert(name, records(3, 4));
      assert.equal((await connector.query(name, { vector: [1, 0, 0, 0], topK: 50 })).length, 3);
      for (const topK of [0, -1, 1.5, Number.NaN, connector.capabilities().maxTopK + 1]) {
        await rejects(connector.query(name, { vector: [1, 0, 0, 0], topK }), 'invalid_argument');
      }
    },
  },
  {
    id: 31,
    title: 'a query vector of another dimension is refused',
    async run({ connector, collection }) {
      const name = await collection();
      await rejects(connector.query(name, { vector: [1, 2, 3], topK: 1 }), 'invalid_argument');
      await connector.upsert(name, records(2, 4));
      await rejects(connector.query(name, { vector: [1, 2, 3, 4, 5], topK: 1 }), 'invalid_argument');
      await rejects(connector.query(name, { topK: 1 }), 'invalid_argument');
    },
  },
  {
    id: 32,
    title: 'an empty collection answers with nothing',
    async run({ connector, collection }) {
      const name = await collection();
      assert.deepEqual(await connector.query(name, { vector: [1, 2, 3, 4], topK: 5 }), []);
      assert.deepEqual(await connector.scan(name, { pageSize: 5 }), { records: [], nextCursor: null });
      assert.equal(await connector.count(name), 0);
    },
  },
  {
    id: 33,
    title: 'only what is asked for comes back',
    async run({ connector, collection }) {
      const name = await collection();
      await connector.upsert(name, records(1, 4));
      const nothing = { vector: false, metadata: false, document: false };
      const everything = { vector: true, metadata: true, document: true };
      const query = { vector: [1, 0, 0, 0], topK: 1 };
      const present = (record: object | undefined) =>
        Object.entries(record ?? {})
          .filter(([, value]) => value !== undefined)
          .map(([key]) => key)
          .sort();
      assert.deepEqual(present((await connector.query(name, { ...query, include: nothing }))[0]), [
        'id',
        'rawScore',
        'score',
      ]);
      const all = ['document', 'id', 'metadata', 'vector'];
      assert.deepEqual(
        present((await connector.query(name, { ...query, include: everything }))[0]),
        [...all, 'rawScore', 'score'].sort(),
      );
      assert.deepEqual(present((await connector.query(name, query))[0]), [
        'document',
        'id',
        'metadata',
        'rawScore',
        'score',
      ]);
      assert.deepEqual(present((await connector.fetch(name, ['r0'], nothing)).records[0]), ['id']);
      assert.deepEqual(present((await connector.fetch(name, ['r0'], everything)).records[0]), all);
      assert.deepEqual(present((await connector.scan(name, { pageSize: 1, include: nothing })).records[0]), ['id']);
      // A filter that is completed outside of the server must not bring metadata along.
      const filter = { field: 'n', op: 'exists', value: true } as const;
      assert.deepEqual(present((await connector.query(name, { ...query, filter, include: nothing }))[0]), [
        'id',
        'rawScore',
        'score',
      ]);
    },
  },
  {
    id: 34,
    title: 'minScore cuts on the uniform scale',
    async run({ connector, collection }) {
      const name = await collection({ dimension: 8 });
      const all = records(100, 8);
      await connector.upsert(name, all);
      const vector = vectorOf(random(34), 8);
      const expected = nearest(all, { metric: 'cosine', vector, topK: 100 });
      const minScore = ((expected[9]?.score ?? 0) + (expected[10]?.score ?? 0)) / 2;
      assertHits(await connector.query(name, { vector, topK: 50, minScore }), expected.slice(0, 10));
    },
  },
  {
    id: 35,
    title: 'a write is seen by the next read',
    async run({ connector, collection, open }) {
      const name = await collection();
      const other = open();
      for (let round = 0; round < 20; round++) {
        const { writeToken } = await connector.upsert(name, [
          { id: `w${round}`, vector: [1, round, 0, 0], metadata: { round } },
        ]);
        const hits = await other.query(name, { vector: [1, round, 0, 0], topK: 1, afterWrite: writeToken });
        assert.equal(hits[0]?.id, `w${round}`);
        assert.equal(await other.count(name, { field: 'round', op: 'eq', value: round }), 1);
      }
    },
  },
  {
    id: 36,
    title: 'a query by id leaves that record out',
    async run({ connector, collection }) {
      const name = await collection({ dimension: 8 });
      const all = records(50, 8);
      await connector.upsert(name, all);
      const self = all[7] as VectorRecord;
      const others = all.filter(({ id }) => id !== self.id);
      const vector = self.vector as number[];
      assertHits(
        await connector.query(name, { id: self.id, topK: 5 }),
        nearest(others, { metric: 'cosine', vector, topK: 5 }),
      );
      await rejects(connector.query(name, { id: 'absent', topK: 5 }), 'not_found');
      await rejects(connector.query(name, { id: 'r1', vector, topK: 5 }), 'invalid_argument');
    },
  },
  {
    id: 44,
    title: 'a narrow filter still gives topK hits, the nearest of those that match',
    async run({ connector, collection }) {
      const name = await collection({ dimension: 16, filterFields: [{ name: 'part', type: 'number' }] });
      const all = records(2_500, 16, (index) => ({
        part: index % 125,
        half: index % 2 === 0,
        label: `p${index % 125}`,
      }));
      await connector.upsert(name, all);
      const vector = vectorOf(random(44), 16);
      for (const filter of [
        { field: 'part', op: 'eq', value: 7 },
        { field: 'label', op: 'in', value: ['p3', 'p77'] },
        // Not expressible everywhere: completed in the connector.
        {
          and: [
            { field: 'label', op: 'gte', value: 'p99' },
            { field: 'part', op: 'exists', value: true },
          ],
        },
      ] as const) {
        const hits = await connector.query(name, { vector, topK: 10, filter });
        assert.equal(hits.length, 10);
        const best = nearest(all, { metric: 'cosine', vector, topK: 2_500, filter });
        const scores = new Map(best.map(({ id, score }) => [id, score]));
        for (const { id, score } of hits) assert.ok(Math.abs((scores.get(id) ?? -1) - score) <= SCORE_TOLERANCE, id);
        const found = new Set(hits.map(({ id }) => id));
        const recall = best.slice(0, 10).filter(({ id }) => found.has(id)).length;
        assert.ok(recall >= 9, `recall ${recall} of 10`);
      }
    },
  },
  {
    id: 76,
    title: 'queries beside the first writes into a new collection are answered',
    async run({ connector, collection }) {
      for (let round = 0; round < 8; round++) {
        const name = await collection();
        const vector = [1, 2, 3, 4];
        let written = 0;
        const asking = Array.from({ length: 3 }, async () => {
          while (written < 10) await connector.query(name, { vector, topK: 3 });
        });
        const writing = (async () => {
          for (const record of records(10, 4)) {
            await connector.upsert(name, [record]).finally(() => written++);
          }
        })();
        await Promise.all([writing, ...asking]);
        assert.equal(await connector.count(name), 10);
      }
    },
  },
];
