import { describe, expect, it } from '@jest/globals';
import type { Filter } from '@morag/connectors-core';
import { isNarrow, toQdrantFilter } from './qdrant.filter.ts';

const clauseOf = (filter: Filter) => toQdrantFilter(filter, true).clause;
const isArray = (value: string) => ({ key: '_vk_arrays', match: { value } });

describe('toQdrantFilter', () => {
  it('matches text and booleans as they are, numbers by a range', () => {
    expect(clauseOf({ field: 'lang', op: 'eq', value: 'de' })).toEqual({
      must: [{ key: 'lang', match: { value: 'de' } }],
    });
    expect(clauseOf({ field: 'ok', op: 'ne', value: true })).toEqual({
      must_not: [{ key: 'ok', match: { value: true } }],
    });
    expect(clauseOf({ field: 'n', op: 'eq', value: 1.5 })).toEqual({
      must: [{ key: 'n', range: { gte: 1.5, lte: 1.5 } }],
    });
  });

  it('asks for lists of one type each, and for long ones of integers in one condition', () => {
    expect(clauseOf({ field: 'k', op: 'in', value: [1, 'x', 'y', true] })).toEqual({
      should: [
        { key: 'k', match: { any: ['x', 'y'] } },
        { key: 'k', match: { value: true } },
        { key: 'k', range: { gte: 1, lte: 1 } },
      ],
    });
    const many = Array.from({ length: 300 }, (_, index) => index);
    expect(clauseOf({ field: 'k', op: 'nin', value: [...many, 0.5] })).toEqual({
      must_not: [
        {
          should: [
            { key: 'k', match: { any: many } },
            { key: 'k', range: { gte: 0.5, lte: 0.5 } },
          ],
        },
      ],
    });
  });

  it('keeps a range, and what is not in it, from looking into arrays', () => {
    const inRange = { must: [{ key: 'n', range: { gt: 1 } }], must_not: [isArray('n')] };
    expect(clauseOf({ field: 'n', op: 'gt', value: 1 })).toEqual(inRange);
    expect(clauseOf({ not: { field: 'n', op: 'gt', value: 1 } })).toEqual({ must_not: [inRange] });
  });

  it('takes an empty array for a value', () => {
    const isEmpty = { is_empty: { key: 'k' } };
    expect(clauseOf({ field: 'k', op: 'exists', value: true })).toEqual({
      should: [{ must_not: [isEmpty] }, isArray('k')],
    });
    expect(clauseOf({ field: 'k', op: 'exists', value: false })).toEqual({
      must: [isEmpty, { must_not: [isArray('k')] }],
    });
  });

  it('writes keys as the server reads paths', () => {
    const keyOf = (field: string) => clauseOf({ field, op: 'eq', value: 'x' })?.must?.[0];
    expect(keyOf('a.b')).toMatchObject({ key: '"a.b"' });
    expect(keyOf('tags[]')).toMatchObject({ key: '"tags[]"' });
    expect(keyOf('a"b')).toMatchObject({ key: '"_vk_key:a%22b"' });
  });

  it.each<[string, Filter, object | undefined]>([
    ['a range of text', { field: 'k', op: 'gt', value: 'a' }, undefined],
    ['what is not in one', { not: { field: 'k', op: 'gt', value: 'a' } }, undefined],
    [
      'a part of a conjunction',
      {
        and: [
          { field: 'a', op: 'eq', value: 'x' },
          { field: 'k', op: 'gt', value: 'a' },
        ],
      },
      { must: [{ key: 'a', match: { value: 'x' } }] },
    ],
    [
      'a part of an alternative',
      {
        or: [
          { field: 'a', op: 'eq', value: 'x' },
          { field: 'k', op: 'gt', value: 'a' },
        ],
      },
      undefined,
    ],
  ])('leaves %s to be completed', (_, filter, clause) => {
    expect(toQdrantFilter(filter, true)).toEqual({ none: false, clause, exact: false });
  });

  it('asks nothing when nothing or everything matches', () => {
    expect(toQdrantFilter({ field: 'k', op: 'in', value: [] }, true)).toEqual({ none: true, exact: true });
    expect(toQdrantFilter({ and: [] }, true)).toEqual({ none: false, exact: true });
    expect(toQdrantFilter(undefined, true)).toEqual({ none: false, exact: true });
  });

  it('completes more where another program wrote the points', () => {
    expect(toQdrantFilter({ field: 'n', op: 'gt', value: 1 }, false)).toEqual({ none: false, exact: false });
    expect(toQdrantFilter({ field: 'a"b', op: 'eq', value: 1 }, false)).toEqual({ none: false, exact: false });
    expect(toQdrantFilter({ field: 'n', op: 'eq', value: 1 }, false)).toMatchObject({ exact: true });
  });
});

describe('isNarrow', () => {
  it('knows the filters that the server takes for everything', () => {
    for (const clause of [
      {},
      { must: [] },
      { should: [] },
      { must: [{}] },
      { must: [{ must: [] }] },
      { must_not: [{}] },
    ]) {
      expect(isNarrow(clause)).toBe(false);
    }
    expect(isNarrow({ must: [{ key: 'a', match: { value: 'x' } }] })).toBe(true);
    expect(isNarrow({ must_not: [{ should: [{ is_empty: { key: 'a' } }] }] })).toBe(true);
  });
});
