import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CaseContext } from '../conformance-case.ts';
import { matching, records } from '../data.ts';
import { filter } from './filter.arbitrary.ts';
import { metadata } from './metadata.arbitrary.ts';
import { seedOfRun } from './seed.ts';

/** Random filters of a run; MORAG_CONFORMANCE_FILTERS sets another number. */
const RUNS = 500;
const RECORDS = 120;
const NOTHING = { metadata: false, document: false };

/** Every filter gives what the oracle says, in a scan and in one of the other calls that take a filter. */
export async function runFilterProperty({ connector, collection }: CaseContext): Promise<string> {
  const seed = seedOfRun();
  const numRuns = Number(process.env.MORAG_CONFORMANCE_FILTERS) || RUNS;
  const objects = fc.sample(metadata, { numRuns: RECORDS, seed });
  const all = records(RECORDS, 4, (index) => objects[index] ?? {});
  const name = await collection();
  await connector.upsert(name, all);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(filter, async (given) => {
      const expected = matching(all, given);
      const page = await connector.scan(name, { pageSize: RECORDS, filter: given, include: NOTHING });
      assert.deepEqual(page.records.map(({ id }) => id).sort(), expected, 'scan');
      if (round++ % 2 === 0) assert.equal(await connector.count(name, given), expected.length, 'count');
      else {
        const query = { vector: [1, 1, 1, 1], topK: RECORDS, filter: given, include: NOTHING };
        const hits = await connector.query(name, query);
        assert.deepEqual(hits.map(({ id }) => id).sort(), expected, 'query');
      }
    }),
    { seed, numRuns },
  );
  return `${numRuns} filters, seed ${seed}`;
}
