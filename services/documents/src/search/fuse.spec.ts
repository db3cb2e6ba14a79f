import { describe, expect, it } from '@jest/globals';
import { fuse } from './fuse.ts';
import type { LegHit } from './hit.ts';

const hits = (scores: Record<string, number>): LegHit[] => Object.entries(scores).map(([id, score]) => ({ id, score }));
const vector = hits({ a: 0.9, b: 0.8, c: 0.7, d: 0.6, e: 0.5 });
const lexical = hits({ c: 20, b: 10, x: 5 });
const options = { mode: 'HYBRID', vectorWeight: 0.6, k: 10 } as const;
const scores = (...args: Parameters<typeof fuse>): Record<string, number> =>
  Object.fromEntries(fuse(...args).map(({ id, score }) => [id, Math.round(score * 1000) / 1000]));

it('adds the legs up, each brought to 0–1', () => {
  expect(scores(vector, lexical, options)).toEqual({ a: 0.6, b: 0.5, c: 0.4, x: 0.1, d: 0, e: 0 });
});

it('orders by score, then by id, and cuts at k', () => {
  expect(fuse(vector, lexical, { ...options, k: 3 }).map((hit) => hit.id)).toEqual(['a', 'b', 'c']);
  expect(fuse(hits({ z: 1, y: 1 }), [], options).map((hit) => hit.id)).toEqual(['y', 'z']);
});

describe('one leg alone', () => {
  it('answers when the mode says so', () => {
    expect(Object.keys(scores(vector, lexical, { ...options, mode: 'LEXICAL' }))).toEqual(['c', 'b', 'x']);
    expect(Object.keys(scores(vector, lexical, { ...options, mode: 'VECTOR' }))).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('answers when the other found nothing', () => {
    expect(scores([], lexical, options)).toEqual({ c: 0.4, b: 0.2, x: 0.1 });
    expect(scores(hits({ a: 0.3 }), [], options)).toEqual({ a: 0.6 });
    expect(fuse([], [], options)).toEqual([]);
  });
});

it('takes the words alone for a chunk whose language the model does not understand', () => {
  const weights = { ...options, vectorWeightOf: (id: string) => (id === 'a' || id === 'c' ? 0 : 0.6) };
  expect(scores(vector, lexical, weights)).toMatchObject({ a: 0, c: 1, b: 0.5 });
});
