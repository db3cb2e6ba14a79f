import { badBody, invalidBody, wrongInput } from './failure.ts';
import { float32, isInteger, isObject } from './json.ts';

export type Distance = 'Cosine' | 'Dot' | 'Euclid' | 'Manhattan';

export interface DenseConfig {
  readonly size: number;
  readonly distance: Distance;
}

export interface Sparse {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

/** The vectors of one point by name; the unnamed one is called ''. */
export type Vectors = ReadonlyMap<string, Float32Array | Sparse>;

/** The shape alone: which names and dimensions there may be is the collection's business. */
export function parseVectors(value: unknown, place: string): Vectors {
  if (value === undefined) throw badBody('missing field `vector`');
  if (Array.isArray(value)) return new Map([['', parseDense(value, `${place}.vector`)]]);
  if (!isObject(value)) throw noVector();
  return new Map(
    Object.entries(value).map(([name, vector]) => [
      name,
      Array.isArray(vector) ? parseDense(vector, `${place}.${name}`) : parseSparse(vector),
    ]),
  );
}

function parseDense(values: readonly unknown[], place: string): Float32Array {
  if (values.length === 0) throw invalidBody(`${place}: dense vector must not be empty`);
  const vector = new Float32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value !== 'number' && typeof value !== 'bigint') throw noVector();
    vector[index] = Number(value);
  }
  return vector;
}

export function parseSparse(value: unknown): Sparse {
  if (!isObject(value) || !Array.isArray(value.indices) || !Array.isArray(value.values)) throw noVector();
  const indices = value.indices as unknown[];
  const values = value.values as unknown[];
  const numbers = values.every((item) => typeof item === 'number');
  if (!numbers || !indices.every((item) => isInteger(item) && item >= 0 && item < 2 ** 32)) throw noVector();
  if (indices.length !== values.length) throw invalidBody('vector.values: must be the same length as indices');
  if (new Set(indices).size < indices.length) throw invalidBody('vector.indices: must be unique');
  return { indices: indices as number[], values };
}

function noVector(): Error {
  return badBody('data did not match any variant of untagged enum VectorStruct');
}

export function checkDimension(vector: Float32Array, { size }: DenseConfig): void {
  if (vector.length === size) return;
  throw wrongInput(`Vector dimension error: expected dim: ${size}, got ${vector.length}`);
}

/** As the server stores it: of length one under cosine, unless it is all zero. */
export function prepare(vector: Float32Array, distance: Distance): Float32Array {
  if (distance !== 'Cosine') return vector;
  let squared = 0;
  for (const value of vector) squared += value * value;
  // In 32 bits, as the server counts: what is beyond is infinite, and zero divides nothing.
  const length = Math.sqrt(Math.fround(squared));
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** Similarity or distance of two prepared vectors. */
export function scoreOf(distance: Distance, a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) {
    const x = a[index] ?? 0;
    const y = b[index] ?? 0;
    if (distance === 'Euclid') sum += (x - y) ** 2;
    else if (distance === 'Manhattan') sum += Math.abs(x - y);
    else sum += x * y;
  }
  const rounded = Math.fround(sum);
  return distance === 'Euclid' ? Math.fround(Math.sqrt(rounded)) : rounded;
}

/** Small is near. */
export function isAscending(distance: Distance): boolean {
  return distance === 'Euclid' || distance === 'Manhattan';
}

export function dotOfSparse(a: Sparse, b: Sparse): number {
  const weights = new Map(a.indices.map((index, place) => [index, a.values[place] ?? 0]));
  return b.indices.reduce((sum, index, place) => sum + (weights.get(index) ?? 0) * (b.values[place] ?? 0), 0);
}

/** As it is written into an answer. */
export function shownVector(vector: Float32Array | Sparse): unknown {
  if (vector instanceof Float32Array) return Array.from(vector, float32);
  return { indices: vector.indices, values: vector.values.map(float32) };
}
