import { expect, it } from '@jest/globals';
import { ndcg } from './ndcg.ts';

it.each([
  [['a', 'b', 'x'], 1],
  [['x', 'a', 'b'], (1 / Math.log2(3) + 1 / 2) / (1 + 1 / Math.log2(3))],
  [['x', 'y'], 0],
  [[], 0],
])('of %j is %d', (ranked, expected) => {
  expect(ndcg(ranked, new Set(['a', 'b']))).toBeCloseTo(expected, 10);
});

it('cannot ask for more than k', () => {
  expect(ndcg(['a'], new Set(['a', 'b']), 1)).toBe(1);
});
