import { describe, expect, it } from '@jest/globals';
import type { QdrantCollection } from './qdrant.collections.ts';
import { pageLimit, toRecord } from './qdrant.records.ts';

const INFO: QdrantCollection = {
  name: 'c',
  nativeName: 'c',
  dimension: 65_536,
  metric: 'cosine',
  state: 'ready',
  createdByUs: true,
  vectorName: 'cosine',
  words: true,
};

describe('pageLimit', () => {
  it('lets no answer hold more vectors than are read', () => {
    expect(pageLimit(1_000, INFO, { vector: true })).toBe(78);
    expect(pageLimit(1_000, { ...INFO, dimension: 8 }, { vector: true })).toBe(1_000);
    expect(pageLimit(1_000, INFO, {})).toBe(1_000);
  });
});

describe('toRecord', () => {
  const everything = { vector: true };

  it('reads large components as numbers, and those that overflowed as none', () => {
    const point = { id: 'x', vector: { cosine: [2n ** 60n, null, 0.5] } };
    expect(toRecord(point, INFO, everything).vector).toEqual(Float32Array.of(2 ** 60, Number.NaN, 0.5));
  });

  it('takes a point without this vector, or with a foreign id, as it is', () => {
    const point = { id: 'x', payload: { _vk_id: 7, _vk_document: null }, vector: { other: [1] } };
    expect(toRecord(point, INFO, everything)).toEqual({ id: 'x', metadata: {} });
  });
});
