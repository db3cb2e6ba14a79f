import { describe, expect, it } from '@jest/globals';
import { uuidOfId } from '@morag/connectors-core';
import { toNativeId } from './qdrant.ids.ts';
import { fromPayload, toPayload } from './qdrant.payload.ts';
import { documentWords, queryWords } from './qdrant.words.ts';

const UUID = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

describe('toNativeId', () => {
  it('gives every id of ours a UUID, and a canonical one itself', () => {
    expect(toNativeId('doc-1', true)).toBe(uuidOfId('doc-1'));
    expect(toNativeId('42', true)).not.toBe(42);
    expect(toNativeId(UUID, true)).toBe(UUID);
    expect(toNativeId(UUID.toUpperCase(), true)).not.toBe(UUID);
  });

  it('reads the ids of other programs as they are shown', () => {
    expect(toNativeId('42', false)).toBe(42);
    expect(toNativeId('9007199254740993', false)).toBe(9_007_199_254_740_993n);
    expect(toNativeId('18446744073709551615', false)).toBe(2n ** 64n - 1n);
    expect(toNativeId(UUID, false)).toBe(UUID);
    for (const other of ['042', '-1', '1.5', '18446744073709551616', 'doc-1', UUID.toUpperCase()]) {
      expect(toNativeId(other, false)).toBeUndefined();
    }
  });
});

describe('payload', () => {
  it('keeps metadata on top, and beside it the id, the document and which keys hold arrays', () => {
    const metadata = { a: 1, tags: ['x'], 'q"': 'y', gone: null };
    const payload = toPayload({ id: 'doc-1', vector: [1], metadata, document: 'text' });
    expect(payload).toEqual({
      a: 1,
      tags: ['x'],
      '_vk_key:q%22': 'y',
      _vk_arrays: ['tags'],
      _vk_id: 'doc-1',
      _vk_document: 'text',
    });
    expect(fromPayload(payload, true)).toEqual({ a: 1, tags: ['x'], 'q"': 'y' });
  });

  it('stores no id that the point has already', () => {
    expect(toPayload({ id: UUID, vector: [1] })).toEqual({});
  });

  it('reads large integers as numbers, and any key of another program', () => {
    const payload = JSON.parse('{"__proto__":{"n":1},"_vk_id":"x"}') as Record<string, unknown>;
    payload.big = [2n ** 63n];
    const metadata = fromPayload(payload, false);
    expect(Object.keys(metadata)).toEqual(['__proto__', '_vk_id', 'big']);
    expect(metadata.big).toEqual([2 ** 63]);
  });
});

describe('words', () => {
  it('gives the words of a document and of a query the same dimensions', () => {
    const document = documentWords('The valve, the VALVE E-4711');
    expect(document?.indices).toHaveLength(4);
    expect(queryWords('Valve 4711')?.indices.every((index) => document?.indices.includes(index))).toBe(true);
    expect(queryWords('47110')?.indices.some((index) => document?.indices.includes(index))).toBe(false);
    // Twice `the` and `valve`, once `e` and `4711`.
    const [a = 0, b = 0, c = 0, d = 0] = document?.values.toSorted((x, y) => x - y) ?? [];
    expect([a, c]).toEqual([b, d]);
    expect(c).toBeGreaterThan(a);
    expect(document?.indices).toEqual(document?.indices.toSorted((x, y) => x - y));
  });

  it('has nothing to say of a text without words', () => {
    expect(documentWords('?! …')).toBeUndefined();
    expect(queryWords('😀')).toBeUndefined();
  });
});
