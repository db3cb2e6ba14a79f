import type { VectorRecord } from './connector.port.ts';

export interface BatchLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** Slices of `items` that keep both limits; an item that is too large by itself goes alone, for the server to judge. */
export function* splitBatches<T>(
  items: readonly T[],
  limits: BatchLimits,
  sizeOf: (item: T) => number,
): Generator<readonly T[]> {
  let start = 0;
  let bytes = 0;
  for (let index = 0; index < items.length; index++) {
    const size = sizeOf(items[index] as T);
    const count = index - start;
    if (count > 0 && (count >= limits.recordsMax || bytes + size > limits.bytesMax)) {
      yield items.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < items.length) yield start === 0 ? items : items.slice(start);
}

/** Of records with one id only the last, in the order of those; the same list when all ids differ. */
export function lastOfEachId(records: readonly VectorRecord[]): readonly VectorRecord[] {
  const byId = new Map<string, VectorRecord>();
  for (const record of records) {
    // Deleted first, so that the place in the order is that of the last one.
    byId.delete(record.id);
    byId.set(record.id, record);
  }
  return byId.size === records.length ? records : [...byId.values()];
}
