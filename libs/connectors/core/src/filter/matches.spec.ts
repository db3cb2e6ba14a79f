import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Metadata } from '../connector.port.ts';
import type { Filter, Operator } from './filter.ts';
import { compareText, matches } from './matches.ts';
import { type NormalFilter, normaliseFilter } from './normalise-filter.ts';

const RECORD: Metadata = { s: 'b', i: 2, f: 2.5, t: true, tags: ['x', 'y'], o: { s: 'b' }, n: null };
const condition = (field: string, op: Operator, value: unknown) => ({ field, op, value }) as Filter;

describe('matches', () => {
  it.each<[string, Operator, unknown, boolean]>([
    ['s', 'eq', 'b', true],
    ['s', 'eq', 'B', false],
    ['i', 'eq', '2', false],
    ['t', 'eq', 1, false],
    ['o', 'eq', 'b', false],
    ['tags', 'eq', 'y', true],
    ['tags', 'ne', 'y', false],
    ['tags', 'in', ['z', 'x'], true],
    ['tags', 'nin', ['z', 'w'], true],
    ['missing', 'eq', 'b', false],
    ['missing', 'ne', 'b', true],
    ['missing', 'nin', ['b'], true],
    ['missing', 'gt', 0, false],
    ['n', 'ne', 'b', true],
    ['n', 'exists', true, false],
    ['n', 'exists', false, true],
    ['o', 'exists', true, true],
    ['toString', 'exists', true, false],
    ['f', 'gt', 2, true],
    ['f', 'lte', 2.5, true],
    ['i', 'lt', 2, false],
    ['s', 'gte', 'b', true],
    ['s', 'gt', 1, false],
    ['i', 'lt', '9', false],
    ['t', 'gt', 0, false],
    ['tags', 'gt', 'a', false],
    ['i', 'in', [], false],
    ['i', 'nin', [], true],
  ])('%s %s %j is %s', (field, op, value, expected) => {
    expect(matches(condition(field, op, value), RECORD)).toBe(expected);
  });

  it('matches a negated range where the key is missing or of another type', () => {
    expect(matches({ not: condition('missing', 'gt', 1) }, RECORD)).toBe(true);
    expect(matches({ not: condition('s', 'gt', 1) }, undefined)).toBe(true);
  });

  it('orders text by code point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

const scalar = fc.constantFrom<string | number | boolean>('a', 'b', 1, 2, 2.5, true);
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    fc
      .tuple(fc.constantFrom('k', 'l'), fc.constantFrom<Operator>('eq', 'ne'), scalar)
      .map(([field, op, value]) => condition(field, op, value)),
    fc
      .tuple(fc.constantFrom('k', 'l'), fc.constantFrom<Operator>('gt', 'lte'), fc.constantFrom(1, 2, 'a'))
      .map(([field, op, value]) => condition(field, op, value)),
    fc
      .tuple(fc.constantFrom('k', 'l'), fc.constantFrom<Operator>('in', 'nin'), fc.array(scalar, { maxLength: 3 }))
      .map(([field, op, value]) => condition(field, op, value)),
    fc.boolean().map((value) => condition('k', 'exists', value)),
    fc.array(tie('filter'), { maxLength: 3 }).map((and) => ({ and })),
    fc.array(tie('filter'), { maxLength: 3 }).map((or) => ({ or })),
    tie('filter').map((not) => ({ not })),
  ),
}));
const metadata = fc.record({ k: scalar, l: fc.oneof(scalar, fc.array(scalar)) }, { requiredKeys: [] });

describe('normaliseFilter', () => {
  it('keeps the meaning of every filter', () => {
    fc.assert(
      fc.property(filter, metadata, (given, record) => {
        const normal = normaliseFilter(given);
        expect(typeof normal === 'boolean' ? normal : matches(normal, record)).toBe(matches(given, record));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['$and', '_vk_meta', '__proto__'])('takes the impossible key %s as missing', (field) => {
    expect(normaliseFilter(condition(field, 'eq', 1))).toBe(false);
    expect(normaliseFilter({ not: condition(field, 'gt', 1) })).toBe(true);
    expect(normaliseFilter({ and: [condition(field, 'ne', 1), condition('a', 'eq', 1)] })).toEqual(
      condition('a', 'eq', 1),
    );
  });

  it('leaves no constant, no group of less than two and no negation but of ranges', () => {
    fc.assert(
      fc.property(filter, (given) => {
        const normal = normaliseFilter(given);
        expect(typeof normal === 'boolean' || isNormal(normal)).toBe(true);
      }),
    );
  });
});

function isNormal(node: NormalFilter): boolean {
  if ('not' in node) return ['gt', 'gte', 'lt', 'lte'].includes(node.not.op);
  if ('field' in node) return !Array.isArray(node.value) || node.value.length > 1;
  const children = 'and' in node ? node.and : node.or;
  return children.length > 1 && children.every(isNormal);
}
