import { isScalar, type JsonValue, type Metadata, presentMetadata, type Scalar } from '@morag/connectors-core';

/** What Chroma 1.0.0 takes as a value; lists came later, and 1.5.9 leaks them between collections (chroma#7594). */
export type NativeMetadata = Record<string, string | number | boolean>;

/** The whole object as JSON, for metadata that does not fit into scalars. */
const JSON_KEY = '_vk_meta';
const ESCAPED_PREFIX = '_vk_k:';
const MEMBER_PREFIX = '_vk_has:';
/** Set on records whose value of a key is an array. */
const ARRAY_PREFIX = '_vk_list:';

/** `#…` is refused by 1.5.9, `chroma:document` silently dropped by all. */
export function nativeKey(key: string): string {
  return key.startsWith('#') || key.startsWith('chroma:') ? ESCAPED_PREFIX + key : key;
}

/** The key that marks a record whose array under `key` holds `value`. */
export function memberKey(key: string, value: Scalar): string {
  return MEMBER_PREFIX + JSON.stringify([key, value]);
}

/** The key that marks a record whose value of `key` is an array. */
export function arrayKey(key: string): string {
  return ARRAY_PREFIX + key;
}

/** The stored form, or null when there is nothing to store, as the SDK demands. */
export function toNative(metadata: Metadata | undefined): NativeMetadata | null {
  if (!metadata) return null;
  const native: NativeMetadata = {};
  let lossless = true;
  const present = presentMetadata(metadata);
  for (const key in present) {
    const value = present[key];
    if (isScalar(value)) {
      native[nativeKey(key)] = value;
      if (typeof value === 'number' && !survivesParsing(value)) lossless = false;
      continue;
    }
    lossless = false;
    if (Array.isArray(value)) addArray(native, key, value);
  }
  if (!lossless) native[JSON_KEY] = JSON.stringify(present);
  for (const _ in native) return native;
  return null;
}

/** The metadata as it was given. Of a record that another program wrote: its scalars. */
export function fromNative(native: Readonly<Record<string, unknown>> | null | undefined): Metadata {
  if (!native) return {};
  const json = native[JSON_KEY];
  if (typeof json === 'string') {
    const parsed = parseObject(json);
    if (parsed) return parsed;
  }
  const metadata: Record<string, JsonValue> = {};
  for (const key in native) {
    if (key.startsWith(ESCAPED_PREFIX)) metadata[key.slice(ESCAPED_PREFIX.length)] = native[key] as JsonValue;
    else if (!key.startsWith('_vk_') && native[key] !== null) metadata[key] = native[key] as JsonValue;
  }
  return metadata;
}

/**
 * The server's JSON parser is off in the last bit of numbers that take more than one exact multiplication: more than 15
 * digits, or a power of ten beyond 22. In filters the same bit is off, so that these find them all the same.
 */
function survivesParsing(value: number): boolean {
  if (Number.isSafeInteger(value)) return true;
  const [digits = '', exponent] = value.toExponential().split('e');
  const count = digits.replaceAll(/[-.]/g, '').length;
  return count <= 15 && Math.abs(Number(exponent) - count + 1) <= 22;
}

function addArray(native: NativeMetadata, key: string, values: readonly JsonValue[]): void {
  native[arrayKey(key)] = true;
  for (const value of values) {
    if (isScalar(value)) native[memberKey(key, value)] = true;
  }
}

function parseObject(json: string): Metadata | undefined {
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Metadata) : undefined;
  } catch {
    return undefined;
  }
}
