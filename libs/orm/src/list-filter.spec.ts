import { describe, expect, it } from '@jest/globals';
import { newStatement, whereAll } from './conditions.ts';
import { type FilterFields, parseListFilter } from './list-filter.ts';
import { parseOrderBy } from './list-order.ts';

const fields: FilterFields = {
  name: { column: 'name', kind: 'text' },
  type: { column: 'type', kind: ['QDRANT', 'CHROMA'] },
  is_active: { column: 'is_active', kind: 'boolean' },
  size: { column: 'size', kind: 'integer' },
  create_time: { column: 'created_at', kind: 'timestamp' },
  owner_id: { column: 'owner_id', kind: 'uuid' },
};

function sqlOf(filter: string): [sql: string, params: readonly unknown[]] {
  const { bind, params } = newStatement();
  return [whereAll(parseListFilter(fields, filter), bind), params];
}

describe('a list filter', () => {
  it.each<[string, string, unknown[]]>([
    ['', '', []],
    ['name = "a b"', 'where (name = $1::text)', ['a b']],
    ['name="say \\"hi\\" \\\\ AND x"', 'where (name = $1::text)', ['say "hi" \\ AND x']],
    ['type != QDRANT', 'where (type <> $1::text)', ['QDRANT']],
    ['isActive = true AND size >= -3', 'where (is_active = $1::boolean) and (size >= $2::bigint)', ['true', '-3']],
    ['create_time<2026-01-01T00:00:00Z', 'where (created_at < $1::timestamptz)', ['2026-01-01T00:00:00Z']],
    ['name = "\'; drop table users; --"', 'where (name = $1::text)', ["'; drop table users; --"]],
  ])('%s', (filter, sql, params) => {
    expect(sqlOf(filter)).toEqual([sql, params]);
  });

  it.each([
    ['nothing = 1', 'names the unknown field nothing; known are name, type'],
    ['__proto__ = 1', 'expects `field operator value` at character 1'],
    ['constructor = 1', 'names the unknown field constructor'],
    ['name', 'expects `field operator value`'],
    ['name = ', 'expects `field operator value`'],
    ['name = "open', 'expects `field operator value`'],
    ['name = "a" OR name = "b"', 'expects AND at character 11'],
    ['name = "a" and size = 1', 'expects AND at character 11'],
    ['name = "a"; select 1', 'expects AND at character 11'],
    ['type = "PINECONE"', 'compares type with something that is not one of QDRANT, CHROMA'],
    ['type < "QDRANT"', 'cannot compare type with <'],
    ['size = 1.5', 'compares size with something that is not a whole number'],
    ['is_active = yes', 'compares is_active with something that is not true or false'],
    ['owner_id = 1', 'compares owner_id with something that is not a UUID'],
    ['create_time > yesterday', 'compares create_time with something that is not a time in RFC 3339'],
    [`name = "${'x'.repeat(2_000)}"`, 'is longer than 2000 characters'],
    [Array(21).fill('size = 1').join(' AND '), 'has more than 20 terms'],
  ])('refuses %s', (filter, description) => {
    expect(() => parseListFilter(fields, filter)).toThrow(
      expect.objectContaining({
        reason: 'INVALID_LIST_FILTER',
        violations: [{ field: 'filter', description: expect.stringContaining(description) }],
      }),
    );
  });
});

describe('an order', () => {
  const order = {
    create_time: { column: 'created_at', type: 'timestamptz' },
    name: { column: 'name', type: 'text' },
  } as const;

  it.each([
    ['', 'created_at', true],
    ['name', 'name', false],
    ['name asc', 'name', false],
    ['createTime desc', 'created_at', true],
  ])('%s', (text, column, descending) => {
    expect(parseOrderBy(order, text, 'create_time desc')).toMatchObject({ column, descending });
  });

  it.each(['size', 'name down', 'name, create_time', 'name; drop table x', 'toString'])('refuses %s', (text) => {
    expect(() => parseOrderBy(order, text, 'name')).toThrow('orderBy must be one of create_time, name');
  });
});
