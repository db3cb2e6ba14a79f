import type { JsonValue, Metadata } from './connector.port.ts';

/** UTF-8 bytes of one key. */
export const METADATA_KEY_BYTES_MAX = 256;
/** Of the whole object as JSON; the smallest limit among the vendors. */
export const METADATA_BYTES_MAX = 40 * 1024;
const METADATA_DEPTH_MAX = 16;
const METADATA_KEYS_MAX = 256;

/** Keys of this prefix hold what connectors themselves store. */
export const RESERVED_KEY_PREFIX = '_vk_';

/**
 * The first thing wrong with a metadata object, or undefined. Any JSON is kept as it is; keys may not be empty, start
 * with `$` (an operator to several vendors) or with the reserved prefix, and text must be Unicode without NUL.
 */
export function metadataProblem(metadata: Metadata): string | undefined {
  const keys = Object.keys(metadata);
  if (keys.length > METADATA_KEYS_MAX) return `metadata has more than ${METADATA_KEYS_MAX} keys`;
  for (const key of keys) {
    const problem = keyProblem(key) ?? valueProblem(metadata[key], 1);
    if (problem) return `metadata key ${JSON.stringify(key.slice(0, 64))} ${problem}`;
  }
  if (sizeBytesAtMost(metadata) > METADATA_BYTES_MAX) {
    const bytes = Buffer.byteLength(JSON.stringify(metadata));
    if (bytes > METADATA_BYTES_MAX) return `metadata is ${bytes} bytes as JSON, more than ${METADATA_BYTES_MAX}`;
  }
  return undefined;
}

/** The object without the keys whose value is null, which count as absent; the same object when there is none. */
export function presentMetadata(metadata: Metadata): Metadata {
  for (const key in metadata) {
    if (metadata[key] === null)
      return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null));
  }
  return metadata;
}

/** True for values that every vendor can store and filter natively. */
export function isScalar(value: JsonValue | undefined): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** False for keys that no stored record can have: to a filter they are simply missing. */
export function isMetadataKey(key: string): boolean {
  return keyProblem(key) === undefined;
}

function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (key === '__proto__') return 'is not allowed';
  if (key.startsWith('$')) return 'starts with $';
  if (key.startsWith(RESERVED_KEY_PREFIX)) return `starts with the reserved ${RESERVED_KEY_PREFIX}`;
  if (!isPlainText(key)) return 'is not Unicode text without NUL';
  if (Buffer.byteLength(key) > METADATA_KEY_BYTES_MAX) return `is longer than ${METADATA_KEY_BYTES_MAX} bytes`;
  return undefined;
}

function valueProblem(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return isPlainText(value) ? undefined : 'holds text that is not Unicode, or has a NUL';
    case 'number':
      return Number.isFinite(value) ? undefined : 'is not a finite number';
    case 'boolean':
      return undefined;
    case 'object':
      break;
    default:
      return 'is not JSON';
  }
  if (value === null) return undefined;
  if (depth > METADATA_DEPTH_MAX) return `is nested deeper than ${METADATA_DEPTH_MAX} levels`;
  if (Array.isArray(value)) return firstProblem(value, depth);
  if (Object.keys(value).some((key) => !isPlainText(key))) return 'holds a key that is not Unicode text without NUL';
  return firstProblem(Object.values(value), depth);
}

function firstProblem(values: readonly unknown[], depth: number): string | undefined {
  for (const value of values) {
    const problem = valueProblem(value, depth + 1);
    if (problem) return problem;
  }
  return undefined;
}

/** True for text that every vendor stores as it is. */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

// A cheap upper bound first, so that small objects are not serialised a second time just to be measured: one UTF-16
// unit takes at most 6 bytes as an escaped JSON character, any number at most 25.
function sizeBytesAtMost(value: JsonValue): number {
  if (typeof value === 'string') return value.length * 6 + 2;
  if (typeof value !== 'object' || value === null) return 25;
  let bytes = 2;
  if (Array.isArray(value)) {
    for (const item of value) bytes += sizeBytesAtMost(item) + 1;
    return bytes;
  }
  for (const [key, item] of Object.entries(value)) bytes += key.length * 6 + 4 + sizeBytesAtMost(item);
  return bytes;
}
