import type { Metric, Vector } from './connector.port.ts';

const FLOAT32_MAX = 3.4028234663852886e38;
const FLOAT32_NORMAL_MIN = 1.1754943508222875e-38;

/**
 * What is wrong with a vector, or undefined. Servers differ: one stores NaN silently, one drops a zero vector from its
 * index, one never reports a wrong length. Every server computes squared lengths in float32, so these have to fit.
 */
export function vectorProblem(vector: Vector, dimension: number | null, metric: Metric | null): string | undefined {
  const { length } = vector;
  if (length === 0) return 'vector is empty';
  if (dimension !== null && length !== dimension) return `vector has ${length} dimensions, not ${dimension}`;
  let squared = 0;
  for (let index = 0; index < length; index++) {
    const value = vector[index];
    // One comparison that also fails for NaN and for what is not a number at all.
    if (typeof value !== 'number' || !(Math.abs(value) <= FLOAT32_MAX)) {
      return `vector holds a value that is not a finite 32-bit number at position ${index}`;
    }
    squared += value * value;
  }
  if (squared > FLOAT32_MAX) return 'vector is too long: its squared length exceeds 32-bit numbers';
  if (metric === 'cosine' && squared < FLOAT32_NORMAL_MIN) return 'vector is all zero, which has no direction';
  return undefined;
}

/** The vector as a plain array, which is what JSON needs; no copy when it is one already. */
export function plainVector(vector: Vector): number[] {
  return Array.isArray(vector) ? vector : Array.from(vector as Float32Array);
}
