import {
  compareHits,
  exactScore,
  type Filter,
  type Metadata,
  type Metric,
  matches,
  type VectorRecord,
} from '@morag/connectors-core';

/** Numbers in [0,1), the same on every machine (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A vector of float32 values in (-1,1). */
export function vectorOf(next: () => number, dimension: number): number[] {
  return Array.from({ length: dimension }, () => Math.fround(next() * 2 - 1));
}

/** Records `r0`, `r1`, … with vectors and metadata that depend on nothing but the seed. */
export function records(
  count: number,
  dimension: number,
  metadata: (index: number) => Metadata = (index) => ({ n: index }),
  seed = 1,
): VectorRecord[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, index) => ({
    id: `r${index}`,
    vector: vectorOf(next, dimension),
    metadata: metadata(index),
    document: `text of record ${index}`,
  }));
}

/** What the query of a perfect server would answer. */
export function nearest(
  all: readonly VectorRecord[],
  query: { metric: Metric; vector: readonly number[]; topK: number; filter?: Filter },
): { id: string; score: number }[] {
  return all
    .filter((record) => !query.filter || matches(query.filter, record.metadata))
    .map((record) => ({ id: record.id, score: exactScore(query.metric, query.vector, record.vector) }))
    .sort(compareHits)
    .slice(0, query.topK);
}

/** The ids of the records that match, sorted. */
export function matching(all: readonly VectorRecord[], filter: Filter): string[] {
  return all
    .filter((record) => matches(filter, record.metadata))
    .map(({ id }) => id)
    .sort();
}
