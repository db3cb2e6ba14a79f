/** Normalised discounted cumulative gain at `k` for relevant-or-not judgements: 1 when the relevant ones come first. */
export function ndcg(ranked: readonly string[], relevant: ReadonlySet<string>, k = 10): number {
  const gain = (rank: number): number => 1 / Math.log2(rank + 2);
  const reached = ranked.slice(0, k).reduce((sum, id, rank) => sum + (relevant.has(id) ? gain(rank) : 0), 0);
  const possible = Array.from({ length: Math.min(k, relevant.size) }, (_, rank) => gain(rank)).reduce(
    (sum, each) => sum + each,
    0,
  );
  return possible === 0 ? 0 : reached / possible;
}

/** Arithmetic mean; 0 of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
