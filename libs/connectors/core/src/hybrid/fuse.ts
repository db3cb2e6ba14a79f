import type { HybridHit, HybridRequest, StoredRecord } from '../connector.port.ts';
import { compareHits } from '../score.ts';

/** Dampens the first ranks, as in the paper that proposed reciprocal rank fusion (Cormack and others, 2009). */
const RANK_CONSTANT = 60;
const VECTOR_WEIGHT = 0.5;
/** Records that each leg gives: more than asked for, since what is good in both may be first in neither. */
const DEPTH_FACTOR = 4;
const DEPTH_MIN = 50;

/** The two orders that are mixed. Each gives at most `depth` records that keep the filter, the best first. */
export interface HybridLegs {
  byVector(depth: number): Promise<readonly StoredRecord[]>;
  byWords(depth: number): Promise<readonly StoredRecord[]>;
}

/** A hybrid query for vendors that have none of their own; a leg that counts nothing is not asked. */
export async function fusedQuery(
  request: HybridRequest,
  { topKMax }: { readonly topKMax: number },
  legs: HybridLegs,
): Promise<readonly HybridHit[]> {
  const { topK, vectorWeight = VECTOR_WEIGHT } = request;
  const depth = Math.min(topKMax, Math.max(DEPTH_MIN, topK * DEPTH_FACTOR));
  const [byVector, byWords] = await Promise.all([
    vectorWeight > 0 ? legs.byVector(depth) : [],
    vectorWeight < 1 ? legs.byWords(depth) : [],
  ]);
  return fuse({ byVector, byWords, vectorWeight, topK });
}

/**
 * Weighted reciprocal rank fusion. It looks at ranks alone, so that it needs no common scale for a similarity and a
 * word score. A record that is first in both has the score 1, and one that a leg does not have gets nothing from it.
 */
export function fuse(legs: {
  readonly byVector: readonly StoredRecord[];
  readonly byWords: readonly StoredRecord[];
  readonly vectorWeight: number;
  readonly topK: number;
}): readonly HybridHit[] {
  const hits = new Map<string, HybridHit>();
  const add = (records: readonly StoredRecord[], weight: number) => {
    for (const [rank, { id, vector, metadata, document }] of records.entries()) {
      const share = (weight * (RANK_CONSTANT + 1)) / (RANK_CONSTANT + 1 + rank);
      hits.set(id, { id, vector, metadata, document, score: (hits.get(id)?.score ?? 0) + share });
    }
  };
  add(legs.byVector, legs.vectorWeight);
  add(legs.byWords, 1 - legs.vectorWeight);
  return [...hits.values()].sort(compareHits).slice(0, legs.topK);
}
