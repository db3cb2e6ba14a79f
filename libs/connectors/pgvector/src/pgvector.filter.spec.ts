import { describe, expect, it } from '@jest/globals';
import type { Filter } from '@morag/connectors-core';
import { Parameters, toSql } from './pgvector.filter.ts';

function translate(filter: Filter | undefined) {
  const parameters = new Parameters();
  return { sql: toSql(filter, parameters), values: parameters.values };
}

describe('toSql', () => {
  it('contains no text of the filter but its parameters', () => {
    const nasty = `x' OR '1'='1"; DROP TABLE t; --`;
    const { sql, values } = translate({
      and: [
        { field: nasty, op: 'eq', value: nasty },
        { field: nasty, op: 'lt', value: nasty },
        { not: { field: nasty, op: 'exists', value: true } },
      ],
    });
    expect(sql).not.toContain('DROP');
    expect(values).toEqual([
      [JSON.stringify({ [nasty]: nasty }), JSON.stringify({ [nasty]: [nasty] })],
      nasty,
      nasty,
      nasty,
    ]);
  });

  it('guards a range by the type of the stored value', () => {
    expect(translate({ not: { field: 'n', op: 'gte', value: 2 } })).toEqual({
      sql: `NOT (CASE WHEN jsonb_typeof(metadata -> $1::text) = 'number' THEN metadata -> $1::text >= $2::jsonb ELSE false END)`,
      values: ['n', '2'],
    });
    expect(translate({ field: 's', op: 'lt', value: 'b' }).sql).toContain('COLLATE "C" < $2::text');
  });

  it('is a constant when the filter is', () => {
    expect(translate(undefined).sql).toBe('true');
    expect(translate({ or: [] }).sql).toBe('false');
    expect(translate({ field: 'a', op: 'nin', value: [] }).sql).toBe('true');
  });
});
