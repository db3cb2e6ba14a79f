import type { LegHit, SearchMode } from './hit.ts';

/** How the two legs are joined. */
export interface FusionOptions {
  readonly mode: SearchMode;
  /** Share of the vector leg, 0–1, unless a hit has its own. */
  readonly vectorWeight: number;
  /** The share for one chunk: 0 where the embedding model does not understand its language. */
  readonly vectorWeightOf?: (id: string) => number;
  readonly k: number;
}

/** A chunk in the joint order. */
export interface FusedHit {
  readonly id: string;
  /** 0–1; comparable within one answer only. */
  readonly score: number;
}

/**
 * Joins the legs by a convex sum of their scores, each brought to 0–1: vector scores from the median of the candidates to
 * the best, since similarities crowd together far from zero; lexical ones in parts of the best. What a leg did not find
 * counts 0 there.
 */
export function fuse(
  vectorHits: readonly LegHit[],
  lexicalHits: readonly LegHit[],
  options: FusionOptions,
): FusedHit[] {
  const weightOf = (id: string): number => {
    if (options.mode === 'VECTOR') return 1;
    if (options.mode === 'LEXICAL') return 0;
    return options.vectorWeightOf?.(id) ?? options.vectorWeight;
  };
  const scores = new Map<string, number>();
  if (options.mode !== 'LEXICAL') {
    for (const [id, score] of fromMedian(vectorHits)) scores.set(id, weightOf(id) * score);
  }
  if (options.mode !== 'VECTOR') {
    for (const [id, score] of inPartsOfBest(lexicalHits))
      scores.set(id, (scores.get(id) ?? 0) + (1 - weightOf(id)) * score);
  }
  return [...scores]
    .map(([id, score]) => ({ id, score }))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    .slice(0, options.k);
}

function fromMedian(hits: readonly LegHit[]): [id: string, score: number][] {
  const sorted = hits.map((hit) => hit.score).sort((a, b) => b - a);
  const best = sorted[0] ?? 0;
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const range = best - median;
  return hits.map(({ id, score }) => [id, range > 0 ? Math.max(0, (score - median) / range) : 1]);
}

function inPartsOfBest(hits: readonly LegHit[]): [id: string, score: number][] {
  const best = Math.max(0, ...hits.map((hit) => hit.score));
  return hits.map(({ id, score }) => [id, best > 0 ? score / best : 0]);
}
