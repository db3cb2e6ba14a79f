import { expect, it } from '@jest/globals';
import { VectorCache } from './vector.cache.ts';

const one = Float32Array.of(1);

it('forgets what was used longest ago', () => {
  const cache = new VectorCache(2);
  cache.set('a', 'query', one);
  cache.set('b', 'query', one);
  cache.get('a', 'query');
  cache.set('c', 'query', one);
  expect(['a', 'b', 'c'].map((text) => cache.get(text, 'query') !== undefined)).toEqual([true, false, true]);
});

it('tells queries from passages', () => {
  const cache = new VectorCache(2);
  cache.set('a', 'query', one);
  expect(cache.get('a', 'passage')).toBeUndefined();
});

it('hands out vectors that callers may change', () => {
  const cache = new VectorCache(2);
  cache.set('a', 'query', one);
  cache.get('a', 'query')?.fill(7);
  expect(cache.get('a', 'query')).toEqual(one);
});
