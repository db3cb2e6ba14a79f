import { isScalar, type JsonValue, type Metadata, presentMetadata, type Scalar, wordsOf } from '@morag/connectors-core';

/** What Pinecone takes: no null, nothing nested, and of lists only those of text. */
export type NativeMetadata = Record<string, string | number | boolean | string[]>;

/** UTF-8 bytes of a record's metadata as JSON, all that connectors add to it included. */
export const NATIVE_BYTES_MAX = 40 * 1024;

/** Lists one mark for each value that the server cannot hold, and one for each member of such a list. */
export const MARKS_KEY = '_vk_marks';
/** The different words of the document, by which it is found. */
export const WORDS_KEY = '_vk_words';
/** Set on a record with a document whose words found no room. */
export const WORDLESS_KEY = '_vk_wordless';
const JSON_KEY = '_vk_json';
const DOCUMENT_KEY = '_vk_document';
const ID_KEY = '_vk_id';
const ZERO_KEY = '_vk_zero';

/** What goes into the metadata of a record beside the caller's own. */
export interface Extras {
  readonly document?: string;
  /** When the native id is not the record's own. */
  readonly id?: string;
  /** The vector is all zero, which the server refuses. */
  readonly zero?: boolean;
}

/** The mark of a value under `key` that is stored as JSON. */
export function keyMark(key: string): string {
  return JSON.stringify([key]);
}

/** The mark of a list under `key` that is stored as JSON and holds `value`. */
export function memberMark(key: string, value: Scalar): string {
  return JSON.stringify([key, value]);
}

/** The stored form, which leaves out the document's words where they would exceed what a record may hold. */
export function toNative(metadata: Metadata | undefined, extras: Extras): { native: NativeMetadata; bytes: number } {
  const native = withoutWords(metadata, extras);
  const bytes = Buffer.byteLength(JSON.stringify(native));
  const words = extras.document === undefined ? [] : wordsOf(extras.document, Number.POSITIVE_INFINITY);
  if (words.length === 0) return { native, bytes };
  const wordsBytes = Buffer.byteLength(JSON.stringify({ [WORDS_KEY]: words }));
  if (bytes + wordsBytes <= NATIVE_BYTES_MAX) {
    return { native: { ...native, [WORDS_KEY]: [...words] }, bytes: bytes + wordsBytes };
  }
  const mark = { [WORDLESS_KEY]: true };
  return { native: { ...native, ...mark }, bytes: bytes + Buffer.byteLength(JSON.stringify(mark)) };
}

function withoutWords(metadata: Metadata | undefined, { document, id, zero }: Extras): NativeMetadata {
  const native: NativeMetadata = {};
  const rest: Record<string, JsonValue> = {};
  const marks = new Set<string>();
  const present = presentMetadata(metadata ?? {});
  for (const [key, value] of Object.entries(present)) {
    if (isScalar(value)) {
      native[key] = value;
    } else if (isTextList(value)) {
      native[key] = [...value];
    } else {
      rest[key] = value;
      marks.add(keyMark(key));
      const members: readonly JsonValue[] = Array.isArray(value) ? value : [];
      for (const member of members) if (isScalar(member)) marks.add(memberMark(key, member));
    }
  }
  if (marks.size > 0) {
    native[JSON_KEY] = JSON.stringify(rest);
    native[MARKS_KEY] = [...marks];
  }
  if (document !== undefined) native[DOCUMENT_KEY] = document;
  if (id !== undefined) native[ID_KEY] = id;
  if (zero) native[ZERO_KEY] = true;
  return native;
}

/** The metadata as it was given. Of a record that another program wrote: all that it holds. */
export function fromNative(native: object | undefined): Metadata {
  const metadata: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(native ?? {})) {
    if (!key.startsWith('_vk_')) metadata[key] = value as JsonValue;
  }
  return { ...metadata, ...parseObject(textAt(native, JSON_KEY)) };
}

export function documentOf(native: object | undefined): string | undefined {
  return textAt(native, DOCUMENT_KEY);
}

/** The record's own id, where the native one is a hash. */
export function originalId(native: object | undefined): string | undefined {
  return textAt(native, ID_KEY);
}

export function isZero(native: object | undefined): boolean {
  return native !== undefined && Object.hasOwn(native, ZERO_KEY);
}

/** A list that the server holds as it is. An empty one is not said to be taken. */
function isTextList(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((member) => typeof member === 'string');
}

function textAt(native: object | undefined, key: string): string | undefined {
  const value: unknown = native && Object.hasOwn(native, key) ? (native as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function parseObject(json: string | undefined): Metadata {
  if (json === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Metadata) : {};
  } catch {
    return {};
  }
}
