import {
  ConnectorError,
  type Include,
  lastOfEachId,
  type Metadata,
  metadataProblem,
  noSuchRecord,
  plainVector,
  refuse,
  type StoredRecord,
  splitBatches,
  type VectorRecord,
} from '@morag/connectors-core';
import type { OnCollection } from './qdrant.access.ts';
import { checkWritten, isObject, type NativeId, numberOf, type Point, parsePoints } from './qdrant.answers.ts';
import { type QdrantCollection, WORDS_VECTOR } from './qdrant.collections.ts';
import { asSdkId, idText, toNativeId } from './qdrant.ids.ts';
import { QDRANT_CAPABILITIES } from './qdrant.options.ts';
import {
  ARRAYS_KEY,
  arrayKeys,
  DOCUMENT_KEY,
  fromPayload,
  ID_KEY,
  nativeKey,
  pathOf,
  toNativeMetadata,
  toPayload,
} from './qdrant.payload.ts';
import { documentWords } from './qdrant.words.ts';

/** Ids of one call. */
const IDS_MAX = 1_000;
/** A float32 in JSON, as a double prints it, with its comma. */
const JSON_BYTES_PER_FLOAT = 22;
/** A float32 as the server writes it, with its comma. */
const ANSWER_BYTES_PER_FLOAT = 13;
/** Of the vectors in one answer, which stays below what is read of any. */
const VECTOR_BYTES_MAX = 64 * 1024 * 1024;
/** Index and value of one word. */
const JSON_BYTES_PER_WORD = 32;
const BATCH = { recordsMax: QDRANT_CAPABILITIES.maxBatchRecords, bytesMax: QDRANT_CAPABILITIES.maxBatchBytes };

export async function upsertRecords(on: OnCollection, records: readonly VectorRecord[]): Promise<void> {
  const { wire, call, info, options } = on;
  const rows = lastOfEachId(records).map((record) => toPoint(record, on));
  for (const batch of splitBatches(rows, BATCH, ({ bytes }) => bytes)) {
    const request = {
      collection_name: info.nativeName,
      wait: true,
      ordering: options.writeOrdering,
      points: batch.map(({ point }) => point),
    };
    checkWritten(await wire.ask(call, (api, init) => api.upsertPoints(request, init)), call);
  }
}

function toPoint(record: VectorRecord, { info, call }: OnCollection) {
  const id = toNativeId(record.id, info.createdByUs);
  if (id === undefined) {
    const text = 'This collection is of another program: its ids are UUIDs and unsigned integers.';
    throw new ConnectorError('invalid_argument', call, text);
  }
  if (!info.createdByUs && record.document !== undefined) {
    throw new ConnectorError('invalid_argument', call, 'This collection is of another program: it holds no documents.');
  }
  const payload = info.createdByUs ? toPayload(record) : { ...record.metadata };
  const words = info.words && record.document !== undefined ? documentWords(record.document) : undefined;
  const vector = plainVector(record.vector);
  const bytes =
    vector.length * JSON_BYTES_PER_FLOAT +
    (words?.indices.length ?? 0) * JSON_BYTES_PER_WORD +
    Buffer.byteLength(JSON.stringify(payload));
  const named = { [info.vectorName]: vector, ...(words && { [WORDS_VECTOR]: words }) };
  return { bytes, point: { id: asSdkId(id), payload, vector: info.vectorName === '' ? vector : named } };
}

/** What was found, by id. */
export async function fetchRecords(
  { wire, call, info, options }: OnCollection,
  ids: readonly string[],
  include: Include,
): Promise<ReadonlyMap<string, StoredRecord>> {
  const found = new Map<string, StoredRecord>();
  const native = nativeIds(ids, info);
  const limit = pageLimit(IDS_MAX, info, include);
  for (let start = 0; start < native.length; start += limit) {
    const request = {
      collection_name: info.nativeName,
      consistency: options.readConsistency,
      ids: native.slice(start, start + limit).map(asSdkId),
      ...wanted(info, include),
    };
    const body = await wire.ask(call, (api, init) => api.getPoints(request, init));
    for (const point of parsePoints(body, call)) {
      const record = toRecord(point, info, include);
      found.set(record.id, record);
    }
  }
  return found;
}

export async function deleteRecords(on: OnCollection, ids: readonly string[]): Promise<void> {
  await deletePoints(on, nativeIds(ids, on.info));
}

/** Nothing is asked of the server when there is nothing to delete: it refuses an empty list. */
export async function deletePoints(
  { wire, call, info, options }: OnCollection,
  ids: readonly NativeId[],
): Promise<void> {
  for (let start = 0; start < ids.length; start += IDS_MAX) {
    const request = {
      collection_name: info.nativeName,
      wait: true,
      ordering: options.writeOrdering,
      points: ids.slice(start, start + IDS_MAX).map(asSdkId),
    };
    checkWritten(await wire.ask(call, (api, init) => api.deletePoints(request, init)), call);
  }
}

/** Writes the keys of the patch and no other. */
export async function updateMetadata(on: OnCollection, id: string, patch: Metadata): Promise<void> {
  const { wire, call, info, options } = on;
  const native = toNativeId(id, info.createdByUs);
  const record = (await fetchRecords(on, [id], { document: false })).get(id);
  if (!record || native === undefined) throw noSuchRecord(call);
  const metadata = { ...record.metadata, ...patch };
  refuse(call, metadataProblem(metadata));
  const common = {
    collection_name: info.nativeName,
    wait: true,
    ordering: options.writeOrdering,
    points: [asSdkId(native)],
  };
  const set = info.createdByUs ? toNativeMetadata(patch) : patchOf(patch);
  if (info.createdByUs && Object.keys(patch).some((key) => isArrayIn(record.metadata, key) || isArrayIn(patch, key))) {
    set[ARRAYS_KEY] = arrayKeys(metadata);
  }
  if (Object.keys(set).length > 0) {
    const request = { ...common, payload: set };
    checkWritten(await wire.ask(call, (api, init) => api.setPayload(request, init)), call);
  }
  const gone = Object.keys(patch).filter((key) => patch[key] === null);
  if (gone.length > 0) {
    const request = { ...common, keys: gone.map((key) => pathOf(info.createdByUs ? nativeKey(key) : key)) };
    checkWritten(await wire.ask(call, (api, init) => api.deletePayload(request, init)), call);
  }
}

function patchOf(patch: Metadata): Record<string, Metadata[string]> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null));
}

function isArrayIn(metadata: Metadata | undefined, key: string): boolean {
  return metadata !== undefined && Object.hasOwn(metadata, key) && Array.isArray(metadata[key]);
}

/** As many points as are asked for, but no more vectors than an answer may hold. */
export function pageLimit(wanted: number, { dimension }: QdrantCollection, { vector }: Include): number {
  const fitting = Math.floor(VECTOR_BYTES_MAX / ((dimension ?? 1) * ANSWER_BYTES_PER_FLOAT));
  return vector ? Math.min(wanted, Math.max(1, fitting)) : wanted;
}

/** What to ask for. `whole`: the metadata is needed here, to complete a filter. */
export function wanted({ createdByUs, vectorName }: QdrantCollection, include: Include, whole = false) {
  const withVector = include.vector ? (vectorName === '' ? true : [vectorName]) : false;
  const withMetadata = whole || include.metadata !== false;
  const withDocument = include.document !== false;
  if (!createdByUs) return { with_vector: withVector, with_payload: withMetadata };
  const selected = withDocument ? [ID_KEY, DOCUMENT_KEY] : [ID_KEY];
  const all = withDocument ? true : { exclude: [DOCUMENT_KEY] };
  return { with_vector: withVector, with_payload: withMetadata ? all : selected };
}

export function toRecord({ id, payload, vector }: Point, info: QdrantCollection, include: Include): StoredRecord {
  const ours = info.createdByUs;
  const original = ours ? payload?.[ID_KEY] : undefined;
  const document = ours && include.document !== false ? payload?.[DOCUMENT_KEY] : undefined;
  return {
    id: typeof original === 'string' ? original : idText(id),
    vector: include.vector ? toVector(vector, info.vectorName) : undefined,
    metadata: include.metadata === false ? undefined : fromPayload(payload, ours),
    document: typeof document === 'string' ? document : undefined,
  };
}

/** A point of another program may have no vector, and one that overflowed holds nulls, which are no numbers. */
function toVector(vector: unknown, name: string): Float32Array | undefined {
  const values = isObject(vector) ? vector[name] : vector;
  return Array.isArray(values) ? Float32Array.from(values, (value) => numberOf(value) ?? Number.NaN) : undefined;
}

function nativeIds(ids: readonly string[], info: QdrantCollection): NativeId[] {
  return [...new Set(ids)].map((id) => toNativeId(id, info.createdByUs)).filter((id) => id !== undefined);
}
