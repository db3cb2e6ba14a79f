import assert from 'node:assert/strict';
import type { ConformanceCase } from '../conformance-case.ts';
import { records } from '../data.ts';

export const NAMESPACE_CASES: readonly ConformanceCase[] = [
  {
    id: 70,
    title: 'what one namespace holds is out of sight of another',
    skip: ({ namespaces }) => !namespaces && 'the vendor has no namespaces',
    async run({ connector, collection, harness, open, defer }) {
      assert.ok(harness.namespace, 'the harness names no second namespace');
      const other = open(await harness.namespace());
      const name = await collection();
      // Of some vendors a namespace has collections of its own, of others it is a part of each collection.
      await other.createCollection({ name, dimension: 4, metric: 'cosine', ifNotExists: true });
      defer(() => other.deleteCollection(name, { ifExists: true }));
      await connector.upsert(name, records(3, 4));
      assert.equal(await other.count(name), 0);
      assert.deepEqual((await other.fetch(name, ['r0'])).missing, ['r0']);
      assert.deepEqual(await other.query(name, { vector: [1, 0, 0, 0], topK: 5 }), []);
      assert.deepEqual(await other.scan(name, { pageSize: 5 }), { records: [], nextCursor: null });
      await other.upsert(name, [{ id: 'r0', vector: [0, 0, 0, 1], metadata: { theirs: true } }]);
      assert.deepEqual(await other.deleteByFilter(name, { and: [] }), { deleted: 1 });
      assert.equal(await connector.count(name), 3);
      assert.deepEqual((await connector.fetch(name, ['r0'])).records[0]?.metadata, { n: 0 });
    },
  },
];
