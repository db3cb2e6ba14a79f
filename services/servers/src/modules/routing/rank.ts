import { type Candidate, READABLE } from './read-candidates.ts';

/** What is known of the candidates beside their progress. */
export interface Standing {
  /** What one more read there would cost: see `LoadBoard.cost`. */
  readonly cost: (placementId: string) => number;
  /** Reads shall go elsewhere where they can: ejected, or on a server that is down or suspected to be. */
  readonly isAvoided: (candidate: Candidate) => boolean;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/**
 * The candidates in the order to try. First come those of the best class (well before avoided, ready before those that
 * must catch up, in sync before lagging); of that class the first is the cheaper of two drawn at random, which keeps all
 * callers from running to the same one (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
 */
export function rank(candidates: readonly Candidate[], standing: Standing): readonly Candidate[] {
  if (candidates.length < 2) return candidates;
  const classed = candidates.map((candidate) => ({
    candidate,
    class: classOf(candidate, standing),
    cost: standing.cost(candidate.placement.id),
  }));
  const sorted = classed.toSorted((a, b) => a.class - b.class || a.cost - b.cost);
  const best = sorted.findLastIndex((each) => each.class === sorted[0]?.class) + 1;
  const chosen = chooseOfTwo(best, (index) => sorted[index]?.cost ?? 0, standing.random);
  const [first] = sorted.splice(chosen, 1);
  return first ? [first.candidate, ...sorted.map(({ candidate }) => candidate)] : candidates;
}

function chooseOfTwo(count: number, cost: (index: number) => number, random: () => number): number {
  if (count < 2) return 0;
  const one = Math.floor(random() * count);
  const other = (one + 1 + Math.floor(random() * (count - 1))) % count;
  return cost(other) < cost(one) ? other : one;
}

function classOf(candidate: Candidate, { isAvoided }: Standing): number {
  const avoided = isAvoided(candidate) ? 2 * READABLE.length : 0;
  const behind = candidate.waitsFor > 0 ? READABLE.length : 0;
  return avoided + behind + READABLE.indexOf(candidate.placement.state);
}
