import assert from 'node:assert/strict';
import type { Metadata, VectorConnector, VectorRecord } from '@morag/connectors-core';
import { type ConformanceCase, rejects } from '../conformance-case.ts';
import { random, records, vectorOf } from '../data.ts';
import { runRecordProperty } from '../properties/record.property.ts';

const FULL = { vector: true };

async function only(connector: VectorConnector, collection: string, id: string) {
  const { records: found } = await connector.fetch(collection, [id], FULL);
  const [record] = found;
  assert.ok(record, `${id} is missing`);
  return record;
}

/** Equal, as far as the vendor promises under the cosine metric. */
function assertVector(connector: VectorConnector, actual: ArrayLike<number> | undefined, expected: ArrayLike<number>) {
  assert.ok(actual);
  const given = Float32Array.from(expected);
  const { cosineVectors } = connector.capabilities();
  if (cosineVectors === 'exact') {
    assert.deepEqual(Float32Array.from(actual), given);
    return;
  }
  const length = cosineVectors === 'direction' ? Math.hypot(...given) : 1;
  for (const [index, value] of given.entries()) {
    const wanted = value / length;
    assert.ok(Math.abs((actual[index] ?? 0) - wanted) <= Math.abs(wanted) * 5e-7, `${actual[index]} for ${wanted}`);
  }
}

export const RECORD_CASES: readonly ConformanceCase[] = [
  {
    id: 16,
    title: 'records come back as they went in, to the last bit of float32',
    async run({ connector, collection }) {
      const next = random(16);
      const euclidean = await collection({ dimension: 64, metric: 'euclidean' });
      const exact = Float32Array.from(vectorOf(next, 64));
      await connector.upsert(euclidean, [{ id: 'a', vector: exact }]);
      assert.deepEqual((await only(connector, euclidean, 'a')).vector, exact);
      const name = await collection({ dimension: 64 });
      const given = records(20, 64).map((record) => ({ ...record, vector: Float32Array.from(vectorOf(next, 64)) }));
      await connector.upsert(name, given);
      const { records: found, missing } = await connector.fetch(name, [...given.map(({ id }) => id), 'absent'], FULL);
      assert.deepEqual(missing, ['absent']);
      assert.deepEqual(
        found.map(({ vector: _, ...rest }) => rest),
        given.map(({ vector: _, ...rest }) => rest),
      );
      for (const [index, record] of found.entries()) assertVector(connector, record.vector, given[index]?.vector ?? []);
    },
  },
  {
    id: 17,
    title: 'ids of every kind stay apart and come back verbatim',
    async run({ connector, collection }) {
      const uuid = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
      const ids = [
        'plain',
        uuid,
        uuid.toUpperCase(),
        `{${uuid}}`,
        '42',
        '042',
        ' 42 ',
        'a b',
        'a/b',
        'o\'neil"',
        '😀 日本',
        'x'.repeat(512),
      ];
      const name = await collection();
      const given = records(ids.length, 4).map((record, index) => ({ ...record, id: ids[index] ?? '' }));
      await connector.upsert(name, given);
      assert.equal(await connector.count(name), ids.length);
      const { records: found } = await connector.fetch(name, ids);
      assert.deepEqual(
        found.map(({ id }) => id),
        ids,
      );
      for (const bad of ['', 'x\0', '\ud800', 'x'.repeat(513)]) {
        await rejects(connector.upsert(name, [{ id: bad, vector: [1, 2, 3, 4] }]), 'invalid_argument');
      }
    },
  },
  {
    id: 18,
    title: 'an upsert replaces the whole record: vector, metadata keys and document',
    async run({ connector, collection }) {
      const name = await collection();
      await connector.upsert(name, [
        { id: 'a', vector: [1, 0, 0, 0], metadata: { old: 1, both: 1, tags: ['x', 'y'] }, document: 'old' },
        { id: 'b', vector: [1, 0, 0, 0], metadata: { old: 1 }, document: 'kept' },
      ]);
      await connector.upsert(name, [
        { id: 'a', vector: [0, 1, 0, 0], metadata: { both: 2, tags: ['x'] } },
        { id: 'b', vector: [0, 1, 0, 0], document: 'kept' },
      ]);
      const a = await only(connector, name, 'a');
      assertVector(connector, a.vector, [0, 1, 0, 0]);
      assert.deepEqual(a.metadata, { both: 2, tags: ['x'] });
      assert.equal(a.document, undefined);
      assert.deepEqual((await only(connector, name, 'b')).metadata, {});
      assert.equal(await connector.count(name, { field: 'tags', op: 'eq', value: 'y' }), 0);
      assert.equal(await connector.count(name, { field: 'old', op: 'eq', value: 1 }), 0);
      assert.equal(await connector.count(name), 2);
    },
  },
  {
    id: 19,
    title: 'of two records with one id the last wins',
    async run({ connector, collection }) {
      const name = await collection();
      const result = await connector.upsert(name, [
        { id: 'a', vector: [1, 0, 0, 0], metadata: { n: 1 } },
        { id: 'b', vector: [1, 0, 0, 0] },
        { id: 'a', vector: [0, 0, 1, 0], metadata: { n: 2 } },
      ]);
      assert.deepEqual(result.failed, []);
      assert.deepEqual((await only(connector, name, 'a')).metadata, { n: 2 });
      assert.equal(await connector.count(name), 2);
    },
  },
  {
    id: 20,
    title: 'an empty batch does nothing',
    async run({ connector, collection }) {
      const name = await collection();
      assert.equal((await connector.upsert(name, [])).accepted, 0);
      assert.deepEqual(await connector.fetch(name, []), { records: [], missing: [] });
      await connector.deleteByIds(name, []);
      assert.equal(await connector.count(name), 0);
    },
  },
  {
    id: 21,
    title: 'more records than the vendor takes at once are split',
    async run({ connector, collection }) {
      const name = await collection();
      const given = records(2 * connector.capabilities().maxBatchRecords + 1, 4);
      assert.equal((await connector.upsert(name, given)).accepted, given.length);
      assert.equal(await connector.count(name), given.length);
    },
  },
  {
    id: 22,
    title: 'more bytes than the vendor takes at once are split',
    async run({ connector, collection }) {
      const name = await collection();
      const document = 'x'.repeat(900_000);
      const count = Math.ceil((connector.capabilities().maxBatchBytes * 1.2) / document.length);
      await connector.upsert(
        name,
        records(count, 4).map((record) => ({ ...record, document })),
      );
      assert.equal(await connector.count(name), count);
      assert.equal((await only(connector, name, `r${count - 1}`)).document, document);
    },
  },
  {
    id: 23,
    title: 'a vector of another dimension is refused, and nothing is written',
    async run({ connector, collection }) {
      const name = await collection();
      const mixed: VectorRecord[] = [...records(3, 4), { id: 'bad', vector: [1, 2, 3] }];
      await rejects(connector.upsert(name, mixed), 'invalid_argument');
      assert.equal(await connector.count(name), 0);
    },
  },
  {
    id: 24,
    title: 'NaN, infinity, nothing and, under cosine, zero are refused',
    async run({ connector, collection }) {
      const name = await collection();
      for (const vector of [[1, Number.NaN, 0, 0], [1, Infinity, 0, 0], [1e39, 0, 0, 0], [], [0, 0, 0, 0]]) {
        await rejects(connector.upsert(name, [{ id: 'bad', vector }]), 'invalid_argument');
        await rejects(connector.query(name, { vector, topK: 1 }), 'invalid_argument');
      }
      assert.equal(await connector.count(name), 0);
      if (!connector.capabilities().metrics.includes('euclidean')) return;
      const euclidean = await collection({ metric: 'euclidean' });
      await connector.upsert(euclidean, [{ id: 'zero', vector: [0, 0, 0, 0] }]);
      assert.equal((await connector.query(euclidean, { vector: [0, 0, 0, 1], topK: 1 }))[0]?.id, 'zero');
    },
  },
  {
    id: 25,
    title: 'metadata of every portable type keeps its type',
    async run({ connector, collection }) {
      const name = await collection();
      const metadata: Metadata = {
        text: 'Grüße "quoted" \\ 😀 日本',
        empty: '',
        digits: '42',
        integer: 42,
        negative: -7,
        float: 0.1,
        large: 1e300,
        beyond: 2 ** 53,
        yes: true,
        no: false,
        tags: ['a', 'b'],
        none: [],
      };
      await connector.upsert(name, [{ id: 'a', vector: [1, 2, 3, 4], metadata }]);
      assert.deepEqual((await only(connector, name, 'a')).metadata, metadata);
    },
  },
  {
    id: 26,
    title: 'keys with dots, spaces, quotes and hashes are plain keys; operators are refused',
    async run({ connector, collection }) {
      const name = await collection();
      const keys = ['a.b', 'a b', `a"b'c`, 'a\\b', '#hash', 'chroma:document', 'Ünïcode', 'id', '_id', 'constructor'];
      const metadata = Object.fromEntries(keys.map((key, index) => [key, index]));
      await connector.upsert(name, [{ id: 'a', vector: [1, 2, 3, 4], metadata }]);
      assert.deepEqual((await only(connector, name, 'a')).metadata, metadata);
      for (const [index, field] of keys.entries()) {
        assert.equal(await connector.count(name, { field, op: 'eq', value: index }), 1, field);
        assert.equal(await connector.count(name, { field, op: 'gt', value: index }), 0, field);
      }
      for (const key of ['', '$eq', '_vk_id']) {
        const bad = [{ id: 'b', vector: [1, 2, 3, 4], metadata: { [key]: 1 } }];
        await rejects(connector.upsert(name, bad), 'invalid_argument');
      }
    },
  },
  {
    id: 27,
    title: 'null counts as absent; nested metadata is kept, and filters see past it',
    async run({ connector, collection }) {
      const name = await collection();
      const nested = { o: { list: [1, { deep: null }] }, mixed: [1, 'x', true], plain: 'p' };
      await connector.upsert(name, [{ id: 'a', vector: [1, 2, 3, 4], metadata: { ...nested, gone: null } }]);
      assert.deepEqual((await only(connector, name, 'a')).metadata, nested);
      assert.equal(await connector.count(name, { field: 'gone', op: 'exists', value: true }), 0);
      assert.equal(await connector.count(name, { field: 'o', op: 'exists', value: true }), 1);
      assert.equal(await connector.count(name, { field: 'mixed', op: 'eq', value: 'x' }), 1);
      assert.equal(await connector.count(name, { field: 'plain', op: 'eq', value: 'p' }), 1);
      await connector.updateMetadata(name, 'a', { plain: null, added: 1 });
      const { plain: _, ...rest } = nested;
      assert.deepEqual((await only(connector, name, 'a')).metadata, { ...rest, added: 1 });
      await rejects(connector.updateMetadata(name, 'absent', { a: 1 }), 'not_found');
    },
  },
  {
    id: 28,
    title: 'fifty upserts at once are all there',
    async run({ connector, collection }) {
      const name = await collection();
      const given = records(200, 4);
      await Promise.all(
        Array.from({ length: 50 }, (_, part) => connector.upsert(name, given.slice(part * 4, part * 4 + 4))),
      );
      assert.equal(await connector.count(name), 200);
    },
  },
  {
    id: 75,
    title: 'random histories leave what a map in memory would hold',
    run: (context) => runRecordProperty(context),
  },
];
