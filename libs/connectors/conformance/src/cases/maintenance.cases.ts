import assert from 'node:assert/strict';
import { type Capabilities, exportAll, type Filter, type Hit, type VectorRecord } from '@morag/connectors-core';
import { type ConformanceCase, rejects } from '../conformance-case.ts';
import { random, records, vectorOf } from '../data.ts';

const unstable = ({ scanOrder }: Capabilities) => scanOrder !== 'stable' && 'the vendor pages by offset';

export const MAINTENANCE_CASES: readonly ConformanceCase[] = [
  {
    id: 47,
    title: 'deleting by ids passes over missing ones',
    async run({ connector, collection }) {
      const name = await collection();
      await connector.upsert(name, records(5, 4));
      const { deleted } = await connector.deleteByIds(name, ['r1', 'absent', 'r3', 'r3']);
      if (connector.capabilities().deleteCounts) assert.equal(deleted, 2);
      assert.deepEqual((await connector.fetch(name, ['r0', 'r1', 'r2', 'r3', 'r4'])).missing, ['r1', 'r3']);
      assert.equal((await connector.query(name, { vector: [1, 1, 1, 1], topK: 10 })).length, 3);
    },
  },
  {
    id: 48,
    title: 'deleting by filter removes exactly what matches, also more than 10,000',
    async run({ connector, collection }) {
      const name = await collection({ dimension: 2 });
      const all = records(11_000, 2, (index) => ({ n: index, keep: index % 100 === 0, text: `t${index}` }));
      await connector.upsert(name, all, { timeoutMs: 120_000 });
      const filters: [Filter, number][] = [
        [{ field: 'n', op: 'lt', value: 0 }, 0],
        [{ field: 'text', op: 'in', value: ['t1', 't2', 'nope'] }, 2],
        [
          {
            and: [
              { field: 'keep', op: 'eq', value: false },
              { field: 'text', op: 'exists', value: true },
            ],
          },
          10_888,
        ],
        [{ and: [] }, 110],
      ];
      for (const [filter, expected] of filters) {
        assert.equal(await connector.count(name, filter), expected);
        assert.deepEqual(await connector.deleteByFilter(name, filter, { timeoutMs: 120_000 }), { deleted: expected });
        assert.equal(await connector.count(name, filter), 0);
      }
      assert.equal(await connector.count(name), 0);
    },
  },
  {
    id: 49,
    title: 'counts are exact, with and without a filter, and in stats',
    async run({ connector, collection }) {
      const name = await collection();
      await connector.upsert(
        name,
        records(37, 4, (index) => ({ n: index })),
      );
      assert.equal(await connector.count(name), 37);
      assert.equal(await connector.count(name, { field: 'n', op: 'gte', value: 30 }), 7);
      assert.equal((await connector.stats(name)).records, 37);
      assert.ok((await connector.serverStats()).collections >= 1);
    },
  },
  {
    id: 50,
    title: 'a scan visits each record once, and goes on in another connector',
    async run({ connector, collection, open }) {
      const name = await collection();
      const all = records(53, 4);
      await connector.upsert(name, all);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await open().scan(name, { pageSize: 10, cursor });
        assert.ok(page.records.length <= 10);
        seen.push(...page.records.map(({ id }) => id));
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      assert.deepEqual(seen.sort(), all.map(({ id }) => id).sort());
    },
  },
  {
    id: 51,
    title: 'records written and deleted during a scan make it neither skip nor repeat others',
    skip: unstable,
    async run({ connector, collection }) {
      const name = await collection();
      const all = records(120, 4);
      await connector.upsert(name, all);
      const survivors = new Set(all.map(({ id }) => id).filter((_, index) => index % 3 !== 0));
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let page = 0; ; page++) {
        const answer = await connector.scan(name, { pageSize: 10, cursor });
        seen.push(...answer.records.map(({ id }) => id));
        if (!answer.nextCursor) break;
        cursor = answer.nextCursor;
        const doomed = all
          .slice(page * 9, page * 9 + 9)
          .map(({ id }) => id)
          .filter((id) => !survivors.has(id));
        await connector.deleteByIds(name, [
          ...doomed,
          ...answer.records
            .slice(-2)
            .map(({ id }) => id)
            .filter((id) => !survivors.has(id)),
        ]);
        await connector.upsert(
          name,
          records(3, 4).map((record) => ({ ...record, id: `new-${page}-${record.id}` })),
        );
      }
      assert.deepEqual(seen.filter((id) => survivors.has(id)).sort(), [...survivors].sort());
    },
  },
  {
    id: 52,
    title: 'a cursor of another collection, or of none, is refused',
    async run({ connector, collection }) {
      const [one, other] = [await collection(), await collection()];
      await connector.upsert(one, records(5, 4));
      const { nextCursor } = await connector.scan(one, { pageSize: 2 });
      assert.ok(nextCursor);
      await rejects(connector.scan(other, { pageSize: 2, cursor: nextCursor }), 'invalid_argument');
      for (const cursor of ['', 'garbled', nextCursor.slice(2), Buffer.from('[1,2]').toString('base64url')]) {
        await rejects(connector.scan(one, { pageSize: 2, cursor }), 'invalid_argument');
      }
    },
  },
  {
    id: 53,
    title: 'a filtered scan visits each match once',
    async run({ connector, collection }) {
      const name = await collection();
      await connector.upsert(
        name,
        records(60, 4, (index) => ({ n: index, s: `s${index % 4}` })),
      );
      for (const filter of [
        { field: 's', op: 'eq', value: 's1' },
        { field: 's', op: 'gte', value: 's3' },
      ] as const) {
        const seen: string[] = [];
        for await (const { id } of exportAll(connector, name, { pageSize: 7, filter })) seen.push(id);
        assert.equal(new Set(seen).size, 15);
        assert.equal(seen.length, 15);
      }
    },
  },
  {
    id: 54,
    title: 'an export into another collection keeps ids, metadata, documents and ranking',
    async run({ connector, collection, open }) {
      const from = await collection({ dimension: 8 });
      const into = await collection({ dimension: 8 });
      await connector.upsert(
        from,
        records(80, 8, (index) => ({ n: index, tags: [`t${index % 3}`] })),
      );
      const target = open();
      const batch: VectorRecord[] = [];
      for await (const record of exportAll(connector, from, { pageSize: 30, include: { vector: true } })) {
        assert.ok(record.vector);
        batch.push({ ...record, vector: record.vector });
      }
      await target.upsert(into, batch);
      const vector = vectorOf(random(54), 8);
      const [copied, original] = await Promise.all(
        [into, from].map((name) => target.query(name, { vector, topK: 20 })),
      );
      // Scores apart, which may differ in their last bits.
      const withoutScores = (hits: readonly Hit[] = []) =>
        hits.map(({ id, metadata, document }) => ({ id, metadata, document }));
      assert.equal(copied?.length, 20);
      assert.deepEqual(withoutScores(copied), withoutScores(original));
    },
  },
];
