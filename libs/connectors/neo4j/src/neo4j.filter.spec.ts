import { describe, expect, it } from '@jest/globals';
import type { Filter } from '@morag/connectors-core';
import { Parameters, toCypher } from './neo4j.filter.ts';

function translate(filter: Filter) {
  const parameters = new Parameters();
  const text = toCypher(filter, parameters);
  return { text, values: parameters.values };
}

describe('toCypher', () => {
  it('puts names and values into parameters, so that texts differ by their form alone', () => {
    const { text, values } = translate({ field: 'x`y', op: 'eq', value: "'" });
    expect(text).toBe('(n[$f0] = $f2 OR $f3 IN n[$f1])');
    expect(values).toEqual({ f0: 'm_x`y', f1: 'l_x`y', f2: "'", f3: `"'"` });
    expect(translate({ field: 'z', op: 'eq', value: 1 }).text).toBe(text);
  });

  it('never negates a third truth value', () => {
    expect(translate({ not: { field: 'a', op: 'gt', value: 1 } }).text).toBe('NOT coalesce((n[$f0] > $f1), false)');
    expect(translate({ field: 'a', op: 'ne', value: 1 }).text).toMatch(/^NOT coalesce\(/);
  });

  it('says when nothing can match, and when everything does', () => {
    expect(translate({ or: [] }).text).toBeUndefined();
    expect(translate({ field: 'a', op: 'in', value: [] }).text).toBeUndefined();
    expect(translate({ and: [] }).text).toBe('true');
  });
});
