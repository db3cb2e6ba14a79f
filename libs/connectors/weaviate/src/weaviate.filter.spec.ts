import { describe, expect, it } from '@jest/globals';
import type { Filter } from '@morag/connectors-core';
import type { WeaviateCollection } from './weaviate.collections.ts';
import { EVERYTHING, toWeaviateFilter } from './weaviate.filter.ts';
import { group, where } from './weaviate.messages.ts';
import { FACTS, hasType, hasValue, RANGE_PROPERTIES_MAX, rangeProperty } from './weaviate.properties.ts';

function collection(properties: readonly string[], createdByUs = true): WeaviateCollection {
  return {
    name: 'c',
    nativeName: 'Vk_c',
    dimension: 4,
    metric: 'cosine',
    state: 'ready',
    createdByUs,
    uid: 'u',
    target: { className: 'Vk_c' },
    vectorName: 'default',
    properties: new Set(properties),
  };
}

const translate = (filter: Filter, ...properties: string[]) => toWeaviateFilter(filter, collection(properties));

describe('toWeaviateFilter', () => {
  it('asks the facts for equality, and for something that deleted objects lack where it excludes', () => {
    const is = where(FACTS, 'equal', hasValue('a', 1));
    expect(translate({ field: 'a', op: 'eq', value: 1 })).toEqual({
      none: false,
      where: is,
      exact: true,
      stale: false,
    });
    const isNot = group('and', [EVERYTHING, where(FACTS, 'notEqual', hasValue('a', 1))]);
    expect(translate({ not: { field: 'a', op: 'eq', value: 1 } }).where).toEqual(isNot);
  });

  it('asks a property for a range, and takes other types for outside of it', () => {
    const range = { field: 'a', op: 'gt', value: 1 } as const;
    expect(translate(range, 'n_a').where).toEqual(where('n_a', 'gt', 1));
    expect(translate({ not: range }, 'n_a').where).toEqual(
      group('and', [
        EVERYTHING,
        group('or', [where(FACTS, 'notEqual', hasType('a', 'number')), where('n_a', 'lte', 1)]),
      ]),
    );
  });

  it('knows that nothing is in a range without a property, unless there may be another by now', () => {
    expect(translate({ field: 'a', op: 'gt', value: 1 })).toEqual({ none: true, exact: true, stale: true });
    expect(translate({ not: { field: 'a', op: 'gt', value: 1 } })).toEqual({ none: false, exact: true, stale: true });
  });

  it('leaves to the caller what the server cannot evaluate, and asks for no less than all that match', () => {
    const full = Array.from({ length: RANGE_PROPERTIES_MAX }, (_, index) => `n_k${index}`);
    const hasNumber = where(FACTS, 'equal', hasType('a', 'number'));
    const inexact = { none: false, exact: false, stale: false };
    expect(translate({ field: 'a', op: 'gt', value: 1 }, ...full)).toEqual({ ...inexact, where: hasNumber });
    const hasText = where(FACTS, 'equal', hasType('a', 'string'));
    expect(translate({ field: 'a', op: 'lt', value: 'x' })).toEqual({ ...inexact, where: hasText });
    const many = Array.from({ length: 65 }, (_, index) => index);
    expect(translate({ field: 'a', op: 'nin', value: many })).toEqual(inexact);
    const foreign = collection([], false);
    expect(toWeaviateFilter({ field: 'a', op: 'eq', value: 1 }, foreign)).toEqual(inexact);
  });
});

describe('rangeProperty', () => {
  it('keeps what is a name, and hashes what is none, or would be another one', () => {
    expect(rangeProperty('year', 'number')).toBe('n_year');
    expect(rangeProperty('first_name', 'string')).toBe('s_first_name');
    const hashed = ['Year', 'a.b', 'a_searchable', '_a', 'a__b', 'x'.repeat(101), '', 'ü'];
    const names = hashed.map((key) => rangeProperty(key, 'number'));
    for (const name of names) expect(name).toMatch(/^nx_[0-9a-f]{24}$/);
    expect(new Set(names).size).toBe(hashed.length);
  });
});

describe('hasValue', () => {
  it('tells types apart, and stands for long values by their hash', () => {
    expect(hasValue('a', 1)).not.toBe(hasValue('a', '1'));
    const long = hasValue('a', 'x'.repeat(10_000));
    expect(long.length).toBeLessThan(64);
    expect(long).not.toBe(hasValue('a', 'x'.repeat(10_001)));
  });
});
