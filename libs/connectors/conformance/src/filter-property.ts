import assert from 'node:assert/strict';
import type { Filter, JsonValue, Metadata, Operator } from '@morag/connectors-core';
import fc from 'fast-check';
import type { CaseContext } from './conformance-case.ts';
import { matching, records } from './data.ts';

/** Random filters in an ordinary run; MORAG_CONFORMANCE_FILTERS asks for more. */
const RUNS = 120;
const RECORDS = 120;
const FIELDS = ['a', 'b.c', 'tags'];

const scalar = fc.oneof(
  fc.constantFrom<string | number | boolean>(
    'x',
    'y',
    'Z',
    '',
    'é',
    '1',
    0,
    1,
    2,
    -1,
    0.5,
    1.5,
    2.25,
    -0.5,
    true,
    false,
  ),
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: -20, max: 20 }).map((quarter) => quarter / 4),
);
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  { arbitrary: scalar, weight: 6 },
  { arbitrary: fc.array(scalar, { maxLength: 3 }), weight: 2 },
  { arbitrary: fc.constant({ nested: 'x' }), weight: 1 },
);
const metadata = fc
  .record(Object.fromEntries(FIELDS.map((name) => [name, value])), { requiredKeys: [] })
  .map((object) => object as Metadata);

const field = fc.constantFrom(...FIELDS, 'missing');
const of = (op: readonly Operator[], operand: fc.Arbitrary<unknown>) =>
  fc
    .tuple(field, fc.constantFrom(...op), operand)
    .map(([name, operator, bound]) => ({ field: name, op: operator, value: bound }) as Filter);

const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'filter' },
    of(['eq', 'ne'], scalar),
    of(
      ['gt', 'gte', 'lt', 'lte'],
      scalar.filter((bound) => typeof bound !== 'boolean'),
    ),
    of(['in', 'nin'], fc.array(scalar, { maxLength: 4 })),
    of(['exists'], fc.boolean()),
    fc.array(tie('filter'), { maxLength: 3, depthIdentifier: 'filter' }).map((and) => ({ and })),
    fc.array(tie('filter'), { maxLength: 3, depthIdentifier: 'filter' }).map((or) => ({ or })),
    tie('filter').map((not) => ({ not })),
  ),
}));

/** The seed is printed, and taken from MORAG_CONFORMANCE_SEED to repeat a run. */
export async function runFilterProperty({ connector, collection }: CaseContext): Promise<string> {
  const seed = Number(process.env.MORAG_CONFORMANCE_SEED) || Math.trunc(Math.random() * 2 ** 31);
  const numRuns = Number(process.env.MORAG_CONFORMANCE_FILTERS) || RUNS;
  const objects = fc.sample(metadata, { numRuns: RECORDS, seed });
  const all = records(RECORDS, 4, (index) => objects[index] ?? {});
  const name = await collection();
  await connector.upsert(name, all);
  await fc.assert(
    fc.asyncProperty(filter, async (given) => {
      const expected = matching(all, given);
      const page = await connector.scan(name, {
        pageSize: RECORDS,
        filter: given,
        include: { metadata: false, document: false },
      });
      assert.deepEqual(page.records.map(({ id }) => id).sort(), expected);
    }),
    { seed, numRuns },
  );
  return `${numRuns} filters, seed ${seed}`;
}
