import { type JsonValue, type Metadata, presentMetadata, uuidOfId, type VectorRecord } from '@morag/connectors-core';

/** The id as it was given, unless the point's own id is the same. */
export const ID_KEY = '_vk_id';
export const DOCUMENT_KEY = '_vk_document';
/** The metadata keys whose value is an array: the server would let a range or `is_empty` look into those. */
export const ARRAYS_KEY = '_vk_arrays';
const RESERVED = '_vk_';
const ESCAPED = '_vk_key:';

export type Payload = Record<string, JsonValue>;

/** The key that a metadata key is stored under. The server's paths have no way to write `"` and `\`. */
export function nativeKey(key: string): string {
  return /["\\]/.test(key) ? ESCAPED + encodeURIComponent(key) : key;
}

/** A stored key as one step of the server's path language: in quotes a dot is a dot. */
export function pathOf(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : `"${key}"`;
}

export function toPayload({ id, metadata, document }: VectorRecord): Payload {
  const payload = toNativeMetadata(metadata ?? {});
  if (uuidOfId(id) !== id) payload[ID_KEY] = id;
  if (document !== undefined) payload[DOCUMENT_KEY] = document;
  return payload;
}

/** What is stored of metadata alone. */
export function toNativeMetadata(metadata: Metadata): Payload {
  const present = presentMetadata(metadata);
  const payload: Payload = {};
  for (const key in present) payload[nativeKey(key)] = present[key] as JsonValue;
  const arrays = arrayKeys(present);
  if (arrays.length > 0) payload[ARRAYS_KEY] = arrays;
  return payload;
}

export function arrayKeys(metadata: Metadata): string[] {
  return Object.keys(metadata).filter((key) => Array.isArray(metadata[key]));
}

/** Metadata as it was given; of another program's point the whole payload. */
export function fromPayload(payload: Readonly<Record<string, unknown>> | null | undefined, ours: boolean): Metadata {
  const entries: [string, JsonValue][] = [];
  for (const key in payload) {
    const value = plain(payload[key]);
    if (!ours || !key.startsWith(RESERVED)) entries.push([key, value]);
    else if (key.startsWith(ESCAPED)) entries.push([decodeURIComponent(key.slice(ESCAPED.length)), value]);
  }
  // Defines each key, whatever it is called.
  return Object.fromEntries(entries);
}

/** Integers beyond 2^53 arrive as BigInt, which is no JSON. */
function plain(value: unknown): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value as JsonValue;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
