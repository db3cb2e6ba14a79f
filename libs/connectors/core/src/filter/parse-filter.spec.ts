import { describe, expect, it } from '@jest/globals';
import { FILTER_VALUES_MAX } from './filter.ts';
import { parseFilter } from './parse-filter.ts';

const parse = (json: unknown) => parseFilter(json);

function nested(levels: number): unknown {
  return levels === 0 ? { field: 'a', op: 'EQ', value: 1 } : { not: nested(levels - 1) };
}

describe('parseFilter', () => {
  it.each([
    [
      { field: 'a', op: 'EQ', value: 'x' },
      { field: 'a', op: 'eq', value: 'x' },
    ],
    [
      { field: 'a', op: 'nin', value: [1, 'x', true] },
      { field: 'a', op: 'nin', value: [1, 'x', true] },
    ],
    [
      { field: 'a.b', op: 'EXISTS' },
      { field: 'a.b', op: 'exists', value: true },
    ],
    [{ and: [{ not: { or: [] } }] }, { and: [{ not: { or: [] } }] }],
  ])('reads %j', (json, filter) => {
    expect(parse(json)).toEqual(filter);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, ''],
    ['a list', [], ''],
    ['an empty object', {}, ''],
    ['two groups', { and: [], or: [] }, ''],
    ['an unknown operator', { field: 'a', op: 'LIKE', value: 'x' }, 'op'],
    ['no operator', { field: 'a', value: 'x' }, 'op'],
    ['an empty field', { field: '', op: 'EQ', value: 1 }, 'field'],
    ['an unknown key', { field: 'a', op: 'EQ', value: 1, boost: 2 }, ''],
    ['null', { field: 'a', op: 'EQ', value: null }, 'value'],
    ['an object value', { field: 'a', op: 'EQ', value: {} }, 'value'],
    ['NaN', { field: 'a', op: 'GT', value: Number.NaN }, 'value'],
    ['a boolean range', { field: 'a', op: 'GT', value: true }, 'value'],
    ['a scalar for in', { or: [{ field: 'a', op: 'IN', value: 1 }] }, 'or[0].value'],
    ['a list in a list', { field: 'a', op: 'IN', value: [1, [2]] }, 'value[1]'],
    ['a string for exists', { field: 'a', op: 'EXISTS', value: 'yes' }, 'value'],
    ['a group that is no list', { and: {} }, 'and'],
    ['NUL', { field: 'a', op: 'EQ', value: 'a\0b' }, 'value'],
    ['a lone surrogate', { field: 'a', op: 'EQ', value: '\ud800' }, 'value'],
    ['a very long string', { field: 'a', op: 'EQ', value: 'x'.repeat(8193) }, 'value'],
    [
      'too many values',
      { field: 'a', op: 'IN', value: Array.from({ length: FILTER_VALUES_MAX + 1 }, () => 1) },
      'value',
    ],
    ['too many parts', { or: Array.from({ length: 256 }, () => ({ and: [] })) }, 'or[255]'],
    ['eleven levels', nested(11), Array.from({ length: 11 }, () => 'not').join('.')],
  ])('refuses %s', (_, json, path) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ name: 'FilterError', path }));
  });

  it('takes ten levels', () => {
    expect(() => parse(nested(10))).not.toThrow();
  });
});
