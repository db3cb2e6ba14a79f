import { describe, expect, it } from '@jest/globals';
import type { Filter } from '@morag/connectors-core';
import { toPineconeFilter } from './pinecone.filter.ts';

const MARKS = '_vk_marks';
const lacks = (field: string) => ({ [field]: { $exists: false } });

describe('toPineconeFilter', () => {
  it('asks for the value, and for lists stored as JSON that hold it', () => {
    expect(toPineconeFilter({ field: 'lang', op: 'eq', value: false })).toEqual({
      none: false,
      exact: true,
      where: { $or: [{ lang: { $eq: false } }, { [MARKS]: { $eq: '["lang",false]' } }] },
    });
  });

  it('leaves it to no server whether an inequality matches records without the field', () => {
    expect(toPineconeFilter({ field: 'lang', op: 'ne', value: 'de' }).where).toEqual({
      $and: [
        { $or: [{ lang: { $ne: 'de' } }, lacks('lang')] },
        { $or: [{ [MARKS]: { $ne: '["lang","de"]' } }, lacks(MARKS)] },
      ],
    });
  });

  it('asks for lists of one type each, and for booleans one by one', () => {
    const marks = [1, 'x', 2.5, true].map((value) => JSON.stringify(['k', value]));
    expect(toPineconeFilter({ field: 'k', op: 'in', value: [1, 'x', 2.5, true] }).where).toEqual({
      $or: [{ k: { $eq: 'x' } }, { k: { $in: [1, 2.5] } }, { k: { $eq: true } }, { [MARKS]: { $in: marks } }],
    });
    expect(toPineconeFilter({ field: 'k', op: 'nin', value: ['x', 'y', 1] }).where).toEqual({
      $and: [
        { $or: [{ $and: [{ k: { $nin: ['x', 'y'] } }, { k: { $ne: 1 } }] }, lacks('k')] },
        { $or: [{ [MARKS]: { $nin: ['["k","x"]', '["k","y"]', '["k",1]'] } }, lacks(MARKS)] },
      ],
    });
  });

  it('finds keys whose value is stored as JSON', () => {
    expect(toPineconeFilter({ field: 'k', op: 'exists', value: true }).where).toEqual({
      $or: [{ k: { $exists: true } }, { [MARKS]: { $eq: '["k"]' } }],
    });
  });

  it.each<[string, Filter, object | undefined]>([
    ['a range of text', { field: 'k', op: 'gt', value: 'a' }, undefined],
    ['a negated range', { not: { field: 'k', op: 'gt', value: 1 } }, undefined],
    [
      'a part of a conjunction',
      {
        and: [
          { field: 'a', op: 'gt', value: 1 },
          { field: 'k', op: 'lt', value: 'x' },
        ],
      },
      { a: { $gt: 1 } },
    ],
    [
      'a part of an alternative',
      {
        or: [
          { field: 'a', op: 'gt', value: 1 },
          { field: 'k', op: 'lt', value: 'x' },
        ],
      },
      undefined,
    ],
  ])('leaves %s to be completed', (_, filter, where) => {
    expect(toPineconeFilter(filter)).toEqual({ none: false, exact: false, where });
  });

  it('asks nothing when nothing or everything matches', () => {
    expect(toPineconeFilter({ field: 'k', op: 'in', value: [] })).toEqual({ none: true, exact: true });
    expect(toPineconeFilter({ and: [] })).toEqual({ none: false, exact: true });
    expect(toPineconeFilter(undefined)).toEqual({ none: false, exact: true });
  });
});
