import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Filter, type Metadata, matches, type Operator } from '@morag/connectors-core';
import { newStatement } from '@morag/orm';
import { createTestDatabase } from '@morag/testing';
import fc from 'fast-check';
import pg from 'pg';
import { metadataCondition } from './metadata-condition.ts';

let database: { url: string; drop(): Promise<void> };
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('condition');
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const scalar = fc.constantFrom<string | number | boolean>('a', 'b', 'é', '1', '', 1, 2, 2.5, -0.5, 1e21, true, false);
const field = fc.constantFrom('k', 'l', "it's", 'a.b');
const condition = (name: string, op: Operator, value: unknown): Filter => ({ field: name, op, value }) as Filter;
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(field, fc.constantFrom<Operator>('eq', 'ne'), scalar).map((it) => condition(...it)),
    fc
      .tuple(field, fc.constantFrom<Operator>('gt', 'gte', 'lt', 'lte'), fc.constantFrom(1, 2.5, 'a', 'é', 'z'))
      .map((it) => condition(...it)),
    fc
      .tuple(field, fc.constantFrom<Operator>('in', 'nin'), fc.array(scalar, { maxLength: 3 }))
      .map((it) => condition(...it)),
    fc.tuple(field, fc.boolean()).map(([name, value]) => condition(name, 'exists', value)),
    fc.array(tie('filter'), { maxLength: 3 }).map((and) => ({ and })),
    fc.array(tie('filter'), { maxLength: 3 }).map((or) => ({ or })),
    tie('filter').map((not) => ({ not })),
  ),
}));
const value = fc.oneof(scalar, fc.constant(null), fc.array(scalar, { maxLength: 3 }), fc.constant({ k: 'a' }));
const metadata: fc.Arbitrary<Metadata> = fc.dictionary(field, value) as fc.Arbitrary<Metadata>;

describe('metadataCondition', () => {
  it('means in PostgreSQL exactly what the filter language means', async () => {
    await fc.assert(
      fc.asyncProperty(filter, fc.array(metadata, { minLength: 1, maxLength: 5 }), async (given, rows) => {
        const { bind, params } = newStatement();
        const json = rows.map((row) => JSON.stringify(row));
        const sql = `select (${metadataCondition(given, 'm')(bind)}) as matched
          from unnest(${bind(json)}::jsonb[]) with ordinality as row (m, n) order by n`;
        const { rows: found } = await client.query<{ matched: boolean }>(sql, [...params]);
        expect(found.map(({ matched }) => matched)).toEqual(rows.map((row) => matches(given, row)));
      }),
      { numRuns: 500 },
    );
  });
});
