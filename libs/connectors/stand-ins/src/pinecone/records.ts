import type { z } from 'zod';
import type { Metadata } from './metadata-filter.ts';
import { invalid } from './refusal.ts';
import type { upsertRequest } from './requests.ts';
import type { StoredIndex } from './stored-index.ts';
import type { StoredVector } from './stored-namespace.ts';

const METADATA_BYTES_MAX = 40 * 1024;
const MAGNITUDE_MIN = 1e-8;

/** A record as it is stored: 32-bit floats, and metadata of the four kinds that there are. */
export function toStored(
  index: StoredIndex,
  { id, values, metadata }: z.infer<typeof upsertRequest>['vectors'][number],
): StoredVector {
  checkValues(index, values, `Vector ID ${id}`);
  return { id, values: values.map(Math.fround), metadata: metadata && checkMetadata(metadata) };
}

export function checkValues({ dimension }: StoredIndex, values: readonly number[], what: string): void {
  if (values.length !== dimension) {
    throw invalid(`Vector dimension ${values.length} does not match the dimension of the index ${dimension}`);
  }
  if (!values.some((value) => Math.abs(value) >= MAGNITUDE_MIN)) {
    throw invalid(`Dense vectors must contain at least one non-zero value. ${what} contains only zeros.`);
  }
}

function checkMetadata(metadata: Readonly<Record<string, unknown>>): Metadata {
  for (const [field, value] of Object.entries(metadata)) {
    if (field.startsWith('$')) throw invalid(`Metadata field names must not start with '$', got '${field}'`);
    const isList = Array.isArray(value) && value.every((member) => typeof member === 'string');
    if (!isList && !['string', 'number', 'boolean'].includes(typeof value)) {
      const got = JSON.stringify(value).slice(0, 64);
      throw invalid(
        `Metadata value must be a string, number, boolean or list of strings, got '${got}' for field '${field}'`,
      );
    }
  }
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  if (bytes > METADATA_BYTES_MAX) {
    throw invalid(`metadata size is ${bytes} bytes, which exceeds the limit of ${METADATA_BYTES_MAX} bytes per vector`);
  }
  return metadata as Metadata;
}

/** The score of the index's metric, computed in 32-bit floats as the service does; of distances the square. */
export function scoreOf({ metric }: StoredIndex, a: readonly number[], b: readonly number[]): number {
  let dot = 0;
  let squared = 0;
  let normA = 0;
  let normB = 0;
  for (let at = 0; at < a.length; at++) {
    const x = a[at] ?? 0;
    const y = b[at] ?? 0;
    dot += x * y;
    squared += (x - y) ** 2;
    normA += x * x;
    normB += y * y;
  }
  if (metric === 'euclidean') return Math.fround(squared);
  return Math.fround(metric === 'cosine' ? dot / Math.sqrt(normA * normB) : dot);
}
