import { describe, expect, it } from '@jest/globals';
import type { Filter } from './filter.ts';
import type { NormalFilter } from './normalise-filter.ts';
import { conjunction, disjunction, inexact, type Translation, toSuperset } from './superset.ts';

/** A vendor that knows equality alone. */
function translate(node: NormalFilter, state: Translation): string | undefined {
  const parts = (nodes: readonly NormalFilter[]) => nodes.map((each) => translate(each, state));
  if ('and' in node) return conjunction(parts(node.and), (all) => `(${all.join(' & ')})`);
  if ('or' in node) return disjunction(parts(node.or), (any) => `(${any.join(' | ')})`);
  return 'op' in node && node.op === 'eq' ? `${node.field}=${node.value}` : inexact(state);
}

const is = (field: string): Filter => ({ field, op: 'eq', value: 1 });
const beyond: Filter = { field: 'c', op: 'gt', value: 1 };

describe('toSuperset', () => {
  it.each<[string, Filter, string | undefined, boolean]>([
    ['says what can be said', { and: [is('a'), { or: [is('b'), is('c')] }] }, '(a=1 & (b=1 | c=1))', true],
    [
      'leaves a part that cannot be said out of a conjunction',
      { and: [is('a'), is('b'), beyond] },
      '(a=1 & b=1)',
      false,
    ],
    ['wraps no part that is alone', { and: [is('a'), beyond] }, 'a=1', false],
    ['lets everything pass an alternative that cannot be said', { or: [is('a'), beyond] }, undefined, false],
    ['lets everything pass that cannot be said at all', beyond, undefined, false],
    ['goes on around a lost alternative', { and: [is('a'), { or: [is('b'), beyond] }] }, 'a=1', false],
  ])('%s', (_what, filter, where, exact) => {
    expect(toSuperset(filter, translate)).toEqual({ none: false, where, exact });
  });

  it('knows without the vendor what matches everything or nothing', () => {
    expect(toSuperset(undefined, translate)).toEqual({ none: false, exact: true });
    expect(toSuperset({ and: [] }, translate)).toEqual({ none: false, exact: true });
    expect(toSuperset({ or: [] }, translate)).toEqual({ none: true, exact: true });
  });
});
