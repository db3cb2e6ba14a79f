import type { VectorRecord } from '@morag/connectors-core';
import { mulberry32 } from '../paired.ts';

/** Records that differ in everything, `count` of them from `first` on, without end if need be. */
export function* recordsOf(dimension: number, count: number, first = 0): Generator<VectorRecord> {
  const random = mulberry32(first + 1);
  for (let index = first; index < first + count; index++) {
    const vector = Array.from({ length: dimension }, () => random() * 2 - 1);
    yield { id: `record-${index}`, vector, metadata: { n: index }, document: `The text of record ${index}.` };
  }
}

/** The next batch of at most `size`; empty at the end. */
export function take<T>(from: Iterator<T>, size: number): T[] {
  const batch: T[] = [];
  while (batch.length < size) {
    const { value, done } = from.next();
    if (done) break;
    batch.push(value);
  }
  return batch;
}
