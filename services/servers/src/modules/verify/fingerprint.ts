import { createHash } from 'node:crypto';
import { type Metric, presentMetadata, type StoredRecord, type VectorConnector } from '@morag/connectors-core';

/** How two vendors' vectors are compared: bit by bit is too much to ask of float32 arithmetic, and length of some. */
export interface VectorComparison {
  /** One of the two servers keeps the direction of a vector alone. */
  readonly directionOnly: boolean;
}

/** What a record comes to, for comparing it with its copy at another vendor. */
export interface Fingerprint {
  /** 16 bytes of id, metadata and text. */
  readonly content: Uint32Array;
  /** The vector on a line that the id decides, so that neither a changed nor an exchanged vector goes unnoticed. */
  readonly projection: number;
  /** How far apart the projections of two equal vectors may be. */
  readonly tolerance: number;
}

/** Relative to the length of a vector: some of the 24 bits of a float32, after a server has normalised it. */
const TOLERANCE = 1e-5;

/** How the vectors of two servers are to be compared. */
export function comparisonOf(
  metric: Metric,
  servers: readonly Pick<VectorConnector, 'capabilities'>[],
): VectorComparison {
  const keepsDirection = servers.some((server) => server.capabilities().cosineVectors === 'direction');
  return { directionOnly: metric === 'cosine' && keepsDirection };
}

/** The fingerprint of a record that was read with all that it has. */
export function fingerprint(
  { id, vector, metadata, document }: StoredRecord,
  comparison: VectorComparison,
): Fingerprint {
  const text = canonical([id, presentMetadata(metadata ?? {}), document ?? null]);
  const hash = createHash('sha1').update(text).digest();
  const content = new Uint32Array(4);
  for (let index = 0; index < 4; index++) content[index] = hash.readUInt32LE(index * 4);
  return { content, ...project(vector ?? [], seedOf(id), comparison) };
}

/** Whether two records with the same id are equal. */
export function sameRecord(a: StoredRecord, b: StoredRecord, comparison: VectorComparison): boolean {
  const ofA = fingerprint({ ...a, vector: undefined }, comparison);
  const ofB = fingerprint({ ...b, vector: undefined }, comparison);
  return ofA.content.every((word, index) => word === ofB.content[index]) && sameVector(a, b, comparison);
}

/** Of an id alone: which range it belongs to, and how its vector is weighed. */
export function seedOf(id: string): number {
  // FNV-1a: cheap, and spread well enough over ranges.
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

function sameVector(
  { vector: a = NONE }: StoredRecord,
  { vector: b = NONE }: StoredRecord,
  comparison: VectorComparison,
): boolean {
  if (a.length !== b.length) return false;
  const [scaleA, scaleB] = comparison.directionOnly ? [1 / lengthOf(a), 1 / lengthOf(b)] : [1, 1];
  const bound = TOLERANCE * Math.max(lengthOf(a) * scaleA, Number.MIN_VALUE);
  return a.every((value, index) => Math.abs(value * scaleA - (b[index] ?? 0) * scaleB) <= bound);
}

const NONE = new Float32Array();

function project(vector: ArrayLike<number>, seed: number, { directionOnly }: VectorComparison) {
  const length = lengthOf(vector);
  const scale = directionOnly && length > 0 ? 1 / length : 1;
  let state = seed || 1;
  let sum = 0;
  for (let index = 0; index < vector.length; index++) {
    // xorshift32: a weight between one and two with either sign for each dimension, the same wherever it is computed.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const weight = 1 + (state & 0xffff) / 0x10000;
    sum += (vector[index] ?? 0) * (state < 0 ? -weight : weight);
  }
  return { projection: sum * scale, tolerance: TOLERANCE * length * scale };
}

function lengthOf(vector: ArrayLike<number>): number {
  let squared = 0;
  for (let index = 0; index < vector.length; index++) squared += (vector[index] ?? 0) ** 2;
  return Math.sqrt(squared);
}

/** JSON with the keys of objects in one order: servers give them back in any. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
