import assert from 'node:assert/strict';
import {
  type Filter,
  type Metadata,
  matches,
  presentMetadata,
  type StoredRecord,
  type VectorConnector,
  type VectorRecord,
} from '@morag/connectors-core';
import fc from 'fast-check';
import type { CaseContext } from '../conformance-case.ts';
import { filter } from './filter.arbitrary.ts';
import { anyMetadata, anyText, metadata } from './metadata.arbitrary.ts';
import { seedOfRun } from './seed.ts';

/** Random histories of a collection. */
const RUNS = 40;

type Command =
  | { readonly kind: 'upsert'; readonly records: readonly VectorRecord[] }
  | { readonly kind: 'deleteByIds'; readonly ids: readonly string[] }
  | { readonly kind: 'deleteByFilter'; readonly filter: Filter }
  | { readonly kind: 'updateMetadata'; readonly id: string; readonly patch: Metadata };

// Few ids, so that what is written is written again; of the kinds that vendors fold or hash.
const id = fc.constantFrom(
  'a',
  'A',
  '7',
  '0007',
  'é',
  'e\u0301',
  '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
  ' ',
  'a/b?c#d',
);
const vector = fc
  .array(fc.integer({ min: -99, max: 99 }), { minLength: 3, maxLength: 3 })
  .map((rest) => [1, ...rest.map((each) => Math.fround(each / 10))]);
const record: fc.Arbitrary<VectorRecord> = fc.record(
  { id, vector, metadata: fc.oneof(metadata, anyMetadata), document: anyText },
  { requiredKeys: ['id', 'vector'] },
);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constant('upsert' as const), records: fc.array(record, { maxLength: 6 }) }),
    weight: 4,
  },
  fc.record({ kind: fc.constant('deleteByIds' as const), ids: fc.array(id, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('deleteByFilter' as const), filter }),
  fc.record({ kind: fc.constant('updateMetadata' as const), id, patch: metadata }),
);

/** After every history the collection holds what a map in memory holds. Euclidean, where vectors come back as they were. */
export async function runRecordProperty({ connector, collection }: CaseContext): Promise<string> {
  const seed = seedOfRun();
  const name = await collection({ metric: 'euclidean' });
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 8 }), async (commands) => {
      await connector.deleteByFilter(name, { and: [] });
      const model = new Map<string, VectorRecord>();
      for (const each of commands) await apply(each, connector, name, model);
      const page = await connector.scan(name, { pageSize: 100, include: { vector: true } });
      assert.deepEqual(sorted(page.records.map(plain)), sorted([...model.values()].map(plain)));
      assert.equal(await connector.count(name), model.size);
    }),
    { seed, numRuns: RUNS },
  );
  return `${RUNS} histories, seed ${seed}`;
}

async function apply(
  each: Command,
  connector: VectorConnector,
  name: string,
  model: Map<string, VectorRecord>,
): Promise<void> {
  switch (each.kind) {
    case 'upsert':
      for (const one of each.records) model.set(one.id, one);
      await connector.upsert(name, each.records);
      break;
    case 'deleteByIds':
      for (const one of each.ids) model.delete(one);
      await connector.deleteByIds(name, each.ids);
      break;
    case 'deleteByFilter': {
      const doomed = [...model.values()].filter((one) => matches(each.filter, one.metadata));
      for (const one of doomed) model.delete(one.id);
      assert.deepEqual(await connector.deleteByFilter(name, each.filter), { deleted: doomed.length });
      break;
    }
    case 'updateMetadata': {
      const old = model.get(each.id);
      if (!old) return;
      model.set(each.id, { ...old, metadata: { ...old.metadata, ...each.patch } });
      await connector.updateMetadata(name, each.id, each.patch);
    }
  }
}

/** In one form, whether written or read: no document and an empty one are the same to some vendors. */
function plain({ id: own, vector: values, metadata: object, document }: VectorRecord | StoredRecord) {
  return {
    id: own,
    vector: [...(values ?? [])],
    metadata: presentMetadata(object ?? {}),
    document: document || undefined,
  };
}

function sorted<T extends { readonly id: string }>(records: readonly T[]): readonly T[] {
  return records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
