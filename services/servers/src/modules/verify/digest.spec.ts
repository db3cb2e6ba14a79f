import { describe, expect, it } from '@jest/globals';
import type { StoredRecord } from '@morag/connectors-core';
import { createDigest, rangeOf, rangesFor } from './digest.ts';
import { fingerprint, sameRecord } from './fingerprint.ts';

const EXACT = { directionOnly: false };
const DIRECTION = { directionOnly: true };

const records = (count: number): StoredRecord[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `r${n}`,
    vector: Float32Array.from({ length: 8 }, (_value, index) => Math.sin(n * 8 + index)),
    metadata: { n, tags: ['a', 'b'], deep: { x: 1, y: 2 } },
    document: `text ${n}`,
  }));

function digestOf(given: readonly StoredRecord[], comparison = EXACT, ranges = rangesFor(200)) {
  const digest = createDigest(ranges);
  for (const record of given) digest.add(record.id, fingerprint(record, comparison));
  return digest;
}

const all = records(200);
const changed = (id: string, change: Partial<StoredRecord>) =>
  all.map((record) => (record.id === id ? { ...record, ...change } : record));
const scaled = (factor: number) =>
  all.map((record) => ({ ...record, vector: record.vector?.map((value) => value * factor) }));
const swapped = () => {
  const [a, b] = [all[3]?.vector, all[4]?.vector];
  return changed('r3', { vector: b }).map((record) => (record.id === 'r4' ? { ...record, vector: a } : record));
};

describe('digests', () => {
  it('are equal for the same records in any order, with keys in any order', () => {
    const other = all.toReversed().map((record) => ({
      ...record,
      metadata: { deep: { y: 2, x: 1 }, tags: ['a', 'b'], n: record.metadata?.n ?? 0, gone: null },
    }));
    expect(digestOf(all).differences(digestOf(other))).toEqual([]);
  });

  it.each([
    ['a record that is missing', all.slice(1), 'r0'],
    ['another text', changed('r7', { document: 'other' }), 'r7'],
    ['another metadata', changed('r8', { metadata: { n: 8 } }), 'r8'],
    ['no text where there was one', changed('r9', { document: undefined }), 'r9'],
    ['another vector', changed('r10', { vector: new Float32Array(8).fill(0.1) }), 'r10'],
    [
      'one number of a vector that is a little off',
      changed('r11', { vector: all[11]?.vector?.map((v, i) => (i === 5 ? v + 0.01 : v)) }),
      'r11',
    ],
    ['vectors that were exchanged', swapped(), 'r3'],
    ['a record that is there twice', [...all, ...all.slice(20, 21)], 'r20'],
  ])('differ by %s, in its range', (_what, other, id) => {
    const differences = digestOf(all).differences(digestOf(other));
    expect(differences).toContain(rangeOf(id, rangesFor(200)));
    expect(differences.length).toBeLessThanOrEqual(2);
  });

  it('bear what float32 arithmetic does, and lengths where only the direction counts', () => {
    expect(digestOf(all).differences(digestOf(scaled(1 + 1e-7)))).toEqual([]);
    expect(digestOf(all).differences(digestOf(scaled(2))).length).toBe(rangesFor(200));
    expect(digestOf(all, DIRECTION).differences(digestOf(scaled(2), DIRECTION))).toEqual([]);
  });

  it('suit the size of a collection', () => {
    expect([rangesFor(0), rangesFor(17), rangesFor(1e9)]).toEqual([1, 2, 65_536]);
  });
});

it('two records are compared by all they have', () => {
  const [a, b] = all as [StoredRecord, StoredRecord];
  expect(sameRecord(a, { ...a, metadata: { ...a.metadata, gone: null } }, EXACT)).toBe(true);
  expect(sameRecord(a, { ...a, vector: b.vector }, EXACT)).toBe(false);
  expect(sameRecord(a, { ...a, document: 'x' }, EXACT)).toBe(false);
  const doubled = { ...a, vector: a.vector?.map((value) => value * 2) };
  expect([sameRecord(a, doubled, EXACT), sameRecord(a, doubled, DIRECTION)]).toEqual([false, true]);
  expect(sameRecord(a, { ...a, vector: a.vector?.subarray(1) }, EXACT)).toBe(false);
});
