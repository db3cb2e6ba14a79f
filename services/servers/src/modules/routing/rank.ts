import { type Candidate, READABLE } from './read-candidates.ts';

/** What is known of the candidates beside their progress. */
export interface Standing {
  /** What one more read there would cost: see `LoadBoard.cost`. */
  readonly cost: (placementId: string) => number;
  /** On a server that is down or suspected to be: reads go elsewhere where they can, also to one that is ejected. */
  readonly isDown: (candidate: Candidate) => boolean;
  /** Slow or failing here: reads go elsewhere where they can. */
  readonly isEjected: (candidate: Candidate) => boolean;
  /** From 0 to below 1. */
  readonly random: () => number;
}

interface Ranked {
  readonly candidate: Candidate;
  readonly class: number;
  readonly cost: number;
  readonly weight: number;
}

/**
 * The candidates in the order to try. First come those of the best class: see `classOf`. Of that class two are drawn at
 * random, by weight, and the first of them stays unless the other is cheaper, which keeps all callers from running to the
 * same one (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001). The others follow by cost.
 */
export function rank(candidates: readonly Candidate[], standing: Standing): readonly Candidate[] {
  if (candidates.length < 2) return candidates;
  const classed = candidates.map(
    (candidate): Ranked => ({
      candidate,
      class: classOf(candidate, standing),
      cost: standing.cost(candidate.placement.id),
      weight: candidate.placement.weight,
    }),
  );
  const sorted = classed.toSorted((a, b) => a.class - b.class || a.cost - b.cost);
  const best = sorted.filter((each) => each.class === sorted[0]?.class);
  const first = chooseOfTwo(best, standing.random);
  return [first, ...sorted.filter((each) => each !== first)].flatMap((each) => each?.candidate ?? []);
}

function chooseOfTwo(all: readonly Ranked[], random: () => number): Ranked | undefined {
  if (all.length < 2) return all[0];
  const at = draw(all, random);
  const one = all[at];
  const others = [...all.slice(at + 1), ...all.slice(0, at)];
  const other = others[draw(others, random)];
  return one && other && isBetter(other, one) ? other : one;
}

/** The index of one of them, by weight; where nobody has any, by chance alone. */
function draw(all: readonly Ranked[], random: () => number): number {
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return Math.floor(random() * all.length);
  let left = random() * total;
  return Math.max(
    0,
    all.findIndex(({ weight }) => {
      left -= weight;
      return left < 0;
    }),
  );
}

/**
 * Whether one takes the place of the one that was drawn: it has to be cheaper by more than the ratio of their weights.
 * Of equal weights any difference counts. Of others a small one must not, else the noise of two latencies would decide and
 * weights would mean nothing; and one that is asked nine times as often may well be nine times as busy.
 */
function isBetter(other: Ranked, drawn: Ranked): boolean {
  const [light, heavy] = other.weight < drawn.weight ? [other.weight, drawn.weight] : [drawn.weight, other.weight];
  const ratio = light === 0 ? 1 : heavy / light;
  return other.cost * ratio < drawn.cost;
}

/**
 * The lower, the better. What matters most comes first: whether it will answer (one that is slow on a busy machine does
 * all the same, one that is down does not), whether it must catch up, whether it is to be asked at all, how far it is
 * behind, and then what the database prefers.
 */
function classOf(candidate: Candidate, { isDown, isEjected }: Standing): number {
  const { state, weight, isPreferred } = candidate.placement;
  const criteria = [
    isDown(candidate) ? 2 : Number(isEjected(candidate)),
    Number(candidate.waitsFor > 0),
    Number(weight === 0),
    READABLE.indexOf(state),
    Number(!isPreferred),
  ];
  return criteria.reduce((sum, criterion) => sum * READABLE.length + criterion, 0);
}
