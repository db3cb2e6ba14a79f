import { describe, expect, it } from '@jest/globals';
import type { Filter } from '@morag/connectors-core';
import { toChromaFilter } from './chroma.filter.ts';
import { arrayKey, fromNative, memberKey, toNative } from './chroma.metadata.ts';

const has = (key: string, value: string | number | boolean) => ({ [memberKey(key, value)]: { $eq: true } });

describe('toChromaFilter', () => {
  it('asks for the value, and for arrays that hold it', () => {
    expect(toChromaFilter({ field: 'lang', op: 'eq', value: 'de' })).toEqual({
      none: false,
      exact: true,
      where: { $or: [{ lang: { $eq: 'de' } }, has('lang', 'de')] },
    });
  });

  it('brings a fraction back to the integers around it, which the server truncates it to', () => {
    expect(toChromaFilter({ field: 'n', op: 'lt', value: 2.5 }).where).toEqual({
      $or: [{ $and: [{ n: { $lt: 2.5 } }, { n: { $lt: 3 } }] }, { n: { $lte: 2 } }],
    });
    expect(toChromaFilter({ field: 'n', op: 'gte', value: -2.5 }).where).toEqual({
      $or: [{ $and: [{ n: { $gte: -2.5 } }, { n: { $gt: -3 } }] }, { n: { $gte: -2 } }],
    });
  });

  it('asks for lists of one type each', () => {
    const { where, exact } = toChromaFilter({ field: 'k', op: 'in', value: [1, 'x', 2, true, 0.5] });
    expect(exact).toBe(true);
    expect(where).toEqual({
      $or: [
        { k: { $in: ['x'] } },
        { k: { $in: [true] } },
        { k: { $in: [1, 2] } },
        { $and: [{ k: { $eq: 0.5 } }, { k: { $ne: 0 } }] },
        ...[1, 'x', 2, true, 0.5].map((value) => has('k', value)),
      ],
    });
  });

  it('looks at every array rather than name more members than the server bears', () => {
    const value = Array.from({ length: 100 }, (_, index) => index);
    expect(toChromaFilter({ field: 'k', op: 'in', value })).toMatchObject({
      exact: false,
      where: { $or: [{ k: { $in: value } }, { [arrayKey('k')]: { $eq: true } }] },
    });
  });

  it.each<[string, Filter, object | undefined]>([
    ['exists', { field: 'k', op: 'exists', value: true }, undefined],
    ['a range of text', { field: 'k', op: 'gt', value: 'a' }, undefined],
    ['a negated range', { not: { field: 'k', op: 'gt', value: 1 } }, undefined],
    [
      'a part of a conjunction',
      {
        and: [
          { field: 'a', op: 'gt', value: 1 },
          { field: 'k', op: 'exists', value: true },
        ],
      },
      { a: { $gt: 1 } },
    ],
    [
      'a part of an alternative',
      {
        or: [
          { field: 'a', op: 'gt', value: 1 },
          { field: 'k', op: 'exists', value: true },
        ],
      },
      undefined,
    ],
  ])('leaves %s to be completed', (_, filter, where) => {
    expect(toChromaFilter(filter)).toEqual({ none: false, exact: false, where });
  });

  it('asks nothing when nothing or everything matches', () => {
    expect(toChromaFilter({ field: 'k', op: 'in', value: [] })).toEqual({ none: true, exact: true });
    expect(toChromaFilter({ and: [] })).toEqual({ none: false, exact: true });
    expect(toChromaFilter(undefined)).toEqual({ none: false, exact: true });
  });
});

describe('metadata', () => {
  it('stores scalars as they are, and nothing else beside them', () => {
    expect(toNative({ a: 'x', b: 1.5, c: false, gone: null })).toEqual({ a: 'x', b: 1.5, c: false });
    expect(toNative({})).toBeNull();
    expect(toNative({ gone: null })).toBeNull();
  });

  it('keeps the rest as JSON, with a mark for each member of an array', () => {
    const metadata = { tags: ['x', 'y'], nested: { a: [1] }, plain: 1 };
    const native = toNative(metadata);
    expect(native).toMatchObject({ plain: 1, [memberKey('tags', 'x')]: true, [arrayKey('tags')]: true });
    expect(fromNative(native)).toEqual(metadata);
  });

  it('escapes the keys that the server refuses or drops', () => {
    const metadata = { '#a': 1, 'chroma:document': 'x' };
    expect(Object.keys(toNative(metadata) ?? {})).toEqual(['_vk_k:#a', '_vk_k:chroma:document']);
    expect(fromNative(toNative(metadata))).toEqual(metadata);
  });

  it('reads the scalars of what another program wrote', () => {
    expect(fromNative({ a: 1, b: null, _vk_meta: 'not json' })).toEqual({ a: 1 });
    expect(fromNative(null)).toEqual({});
  });
});
