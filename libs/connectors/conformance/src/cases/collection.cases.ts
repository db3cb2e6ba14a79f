import assert from 'node:assert/strict';
import type { CollectionInfo, VectorConnector } from '@morag/connectors-core';
import { type ConformanceCase, rejects } from '../conformance-case.ts';
import { records } from '../data.ts';

/** Every collection of the server, in pages. */
async function listAll(connector: VectorConnector, limit?: number): Promise<CollectionInfo[]> {
  const all: CollectionInfo[] = [];
  let cursor: string | undefined;
  do {
    const page = await connector.listCollections({ cursor, limit });
    if (limit !== undefined) assert.ok(page.collections.length <= limit);
    all.push(...page.collections);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return all;
}

export const COLLECTION_CASES: readonly ConformanceCase[] = [
  {
    id: 6,
    title: 'a created collection is described as it was asked for',
    async run({ connector, collection }) {
      for (const metric of connector.capabilities().metrics) {
        const name = await collection({ dimension: 7, metric });
        const { nativeName, ...described } = await connector.describeCollection(name);
        assert.deepEqual(described, { name, dimension: 7, metric, state: 'ready', createdByUs: true });
        assert.notEqual(nativeName, '');
        assert.equal(await connector.collectionExists(name), true);
      }
    },
  },
  {
    id: 7,
    title: 'a name that is taken is already_exists',
    async run({ connector, collection }) {
      const name = await collection();
      await rejects(connector.createCollection({ name, dimension: 4, metric: 'cosine' }), 'already_exists');
    },
  },
  {
    id: 8,
    title: 'ifNotExists takes the same collection and refuses another',
    async run({ connector, collection }) {
      const name = await collection();
      const same = { name, dimension: 4, metric: 'cosine', ifNotExists: true } as const;
      await connector.createCollection(same);
      await rejects(connector.createCollection({ ...same, dimension: 5 }), 'conflict');
      await rejects(connector.createCollection({ ...same, metric: 'euclidean' }), 'conflict');
    },
  },
  {
    id: 9,
    title: 'names that the vendor does not know come back through list',
    async run({ connector, collection, name }) {
      const names = ['Ünïcode 日本 😀', 'with/slash "quotes" `ticks`', "it's; drop--", '..', 'x'.repeat(180)].map(name);
      for (const each of names) await collection({ name: each });
      const listed = new Set((await listAll(connector)).map((info) => info.name));
      for (const each of names) assert.ok(listed.has(each), each);
      for (const bad of ['', 'nul\0', 'line\nbreak', '\ud800', 'é'.repeat(128)]) {
        await rejects(connector.createCollection({ name: bad, dimension: 4, metric: 'cosine' }), 'invalid_argument');
      }
    },
  },
  {
    id: 10,
    title: 'names that differ only in case are different',
    async run({ connector, collection, name }) {
      const lower = name('case');
      const upper = lower.toUpperCase();
      await collection({ name: lower, dimension: 3 });
      assert.equal(await connector.collectionExists(upper), false);
      try {
        await collection({ name: upper, dimension: 5 });
        assert.equal((await connector.describeCollection(lower)).dimension, 3);
        assert.equal((await connector.describeCollection(upper)).dimension, 5);
      } finally {
        await connector.deleteCollection(upper, { ifExists: true });
      }
    },
  },
  {
    id: 11,
    title: 'list pages through all collections, each once',
    async run({ connector, collection }) {
      const names = new Set<string>();
      for (let index = 0; index < 12; index++) names.add(await collection());
      const listed = (await listAll(connector, 5)).map((info) => info.name).filter((each) => names.has(each));
      assert.deepEqual(listed.sort(), [...names].sort());
      await rejects(connector.listCollections({ cursor: 'garbled' }), 'invalid_argument');
    },
  },
  {
    id: 12,
    title: 'deleting a missing collection is not_found, or nothing with ifExists',
    async run({ connector, name }) {
      const missing = name();
      await rejects(connector.deleteCollection(missing), 'not_found');
      await connector.deleteCollection(missing, { ifExists: true });
      await rejects(connector.describeCollection(missing), 'not_found');
      assert.equal(await connector.collectionExists(missing), false);
    },
  },
  {
    id: 13,
    title: 'a deleted collection is not_found',
    async run({ connector, collection }) {
      const name = await collection();
      await connector.upsert(name, records(2, 4));
      await connector.deleteCollection(name);
      await rejects(connector.upsert(name, records(1, 4)), 'not_found');
      await rejects(connector.query(name, { vector: [1, 0, 0, 0], topK: 1 }), 'not_found');
      await rejects(connector.fetch(name, ['r0']), 'not_found');
      await rejects(connector.count(name), 'not_found');
      await rejects(connector.scan(name, { pageSize: 10 }), 'not_found');
      await rejects(connector.deleteByIds(name, ['r0']), 'not_found');
    },
  },
  {
    id: 14,
    title: 'a collection made again is empty and usable, also for who knew the old one',
    async run({ connector, collection, open }) {
      const name = await collection();
      await connector.upsert(name, records(3, 4));
      const other = open();
      await other.deleteCollection(name);
      await other.createCollection({ name, dimension: 6, metric: 'euclidean' });
      assert.equal(await connector.count(name), 0);
      await connector.upsert(name, records(2, 6));
      assert.equal((await connector.query(name, { vector: [1, 2, 3, 4, 5, 6], topK: 5 })).length, 2);
    },
  },
  {
    id: 15,
    title: 'of eight who create it at once, one succeeds',
    async run({ connector, name }) {
      const spec = { name: name(), dimension: 4, metric: 'cosine' } as const;
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => connector.createCollection(spec)));
      const lost = results.filter((result) => result.status === 'rejected');
      assert.equal(lost.length, 7);
      for (const { reason } of lost) assert.equal((reason as { category?: string }).category, 'already_exists');
      const again = { ...spec, ifNotExists: true };
      await Promise.all(Array.from({ length: 8 }, () => connector.createCollection(again)));
    },
  },
];
