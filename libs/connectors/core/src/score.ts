import type { Metric } from './connector.port.ts';

/**
 * The uniform score: higher is better, whatever the vendor returns. Cosine: (1+cos)/2 in [0,1]. Euclidean: 1/(1+d²) in
 * (0,1]. Dot product: 0.5+atan(dot)/π in (0,1), which keeps distinguishing large products where a logistic would not.
 * Vendors compute in float32, so two servers agree to about 1e-5.
 */
export const SCORE_TOLERANCE = 1e-5;

/** From the cosine of the angle. */
export function scoreOfCosine(cosine: number): number {
  return clamp((1 + cosine) / 2);
}

/** From the squared Euclidean distance. */
export function scoreOfSquaredDistance(squared: number): number {
  return 1 / (1 + Math.max(0, squared));
}

/** From the inner product. */
export function scoreOfDot(dot: number): number {
  return 0.5 + Math.atan(dot) / Math.PI;
}

/** The score of two vectors as the definition says: the oracle that connectors are tested against. */
export function exactScore(metric: Metric, a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let squared = 0;
  let normA = 0;
  let normB = 0;
  for (let index = 0; index < a.length; index++) {
    const x = a[index] ?? 0;
    const y = b[index] ?? 0;
    dot += x * y;
    squared += (x - y) ** 2;
    normA += x * x;
    normB += y * y;
  }
  switch (metric) {
    case 'cosine':
      return scoreOfCosine(dot / Math.sqrt(normA * normB));
    case 'euclidean':
      return scoreOfSquaredDistance(squared);
    case 'dot':
      return scoreOfDot(dot);
  }
}

/** By score, the best first; equal scores by id, so that every vendor gives one order. */
export function compareHits(a: { score: number; id: string }, b: { score: number; id: string }): number {
  return b.score - a.score || (a.id < b.id ? -1 : Number(a.id > b.id));
}

function clamp(score: number): number {
  return Math.min(1, Math.max(0, score));
}
