import {
  ConnectorError,
  type Include,
  lastOfEachId,
  type Origin,
  plainVector,
  type StoredRecord,
  splitBatches,
  type Vector,
  type VectorRecord,
} from '@morag/connectors-core';
import type { PineconeRecord } from '@pinecone-database/pinecone';
import type { PineconeCall } from './pinecone.access.ts';
import { hasStatus } from './pinecone.errors.ts';
import { isHashed, nativeId } from './pinecone.ids.ts';
import {
  documentOf,
  fromNative,
  isZero,
  NATIVE_BYTES_MAX,
  type NativeMetadata,
  originalId,
  toNative,
} from './pinecone.metadata.ts';
import { PINECONE_CAPABILITIES } from './pinecone.options.ts';

/** Ids of one deletion. */
const DELETE_MAX = 1_000;
/** Ids of one fetch, which is a GET: bounded by the length of its URL too. */
const FETCH_MAX = 100;
const FETCH_URL_BYTES_MAX = 8_000;
/** Requests of one call at a time. */
const AT_ONCE = 4;
/** A 64-bit number in JSON, with its comma. */
const JSON_BYTES_PER_FLOAT = 25;
/** The server takes for zero, and refuses, a vector that has no component of this magnitude. */
const MAGNITUDE_MIN = 1e-8;

interface Row {
  readonly id: string;
  readonly values: number[];
  readonly metadata: NativeMetadata;
  readonly bytes: number;
}

/** Replaces whole records, each in one step. */
export async function upsertRecords(
  { session, call, index }: PineconeCall,
  records: readonly VectorRecord[],
): Promise<void> {
  const rows = lastOfEachId(records).map((record) => toRow(record, call));
  const limits = {
    recordsMax: PINECONE_CAPABILITIES.maxBatchRecords,
    bytesMax: PINECONE_CAPABILITIES.maxBatchBytes,
  };
  const batches = [...splitBatches(rows, limits, (row) => row.bytes)];
  const handle = session.index(index.host);
  await inParallel(batches, (batch) =>
    handle.upsert({ records: batch.map(({ id, values, metadata }) => ({ id, values, metadata })) }),
  );
}

function toRow(record: VectorRecord, origin: Origin): Row {
  const id = nativeId(record.id);
  const { values, zero } = storedVector(record.vector, origin);
  const { document } = record;
  const extras = { document, id: id === record.id ? undefined : record.id, zero };
  const { native, bytes } = toNative(record.metadata, extras);
  if (bytes > NATIVE_BYTES_MAX) {
    const text = `Metadata and document of ${JSON.stringify(record.id.slice(0, 64))} take ${bytes} bytes; Pinecone stores ${NATIVE_BYTES_MAX} a record.`;
    throw new ConnectorError('payload_too_large', origin, text);
  }
  return { id, values, metadata: native, bytes: values.length * JSON_BYTES_PER_FLOAT + bytes + id.length + 64 };
}

/** What is sent for a vector: for one that is all zero, which the server refuses, its nearest neighbour and a mark. */
export function storedVector(vector: Vector, origin: Origin): { values: number[]; zero: boolean } {
  const values = plainVector(vector);
  if (values.some((value) => Math.abs(value) >= MAGNITUDE_MIN)) return { values, zero: false };
  if (values.some((value) => value !== 0)) {
    throw new ConnectorError('invalid_argument', origin, `Pinecone takes a vector below ${MAGNITUDE_MIN} for zero.`);
  }
  return { values: [MAGNITUDE_MIN * 2, ...values.slice(1)], zero: true };
}

/** The native records of these native ids, in no order. */
export async function fetchNative(
  { session, index }: PineconeCall,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PineconeRecord>> {
  const handle = session.index(index.host);
  const limits = { recordsMax: FETCH_MAX, bytesMax: FETCH_URL_BYTES_MAX };
  const chunks = [...splitBatches(ids, limits, (id) => encodeURIComponent(id).length + '&ids='.length)];
  const found = new Map<string, PineconeRecord>();
  await inParallel(chunks, async (chunk) => {
    const { records } = await handle.fetch({ ids: [...chunk] });
    for (const record of Object.values(records)) found.set(record.id, record);
  });
  return found;
}

export async function fetchRecords(
  on: PineconeCall,
  ids: readonly string[],
  include: Include,
): Promise<ReadonlyMap<string, StoredRecord>> {
  const found = new Map<string, StoredRecord>();
  for (const native of (await fetchNative(on, ids.map(nativeId))).values()) {
    const record = toRecord(on, native, include);
    found.set(record.id, record);
  }
  return found;
}

/** Deletes by native id. A namespace that does not exist yet is nothing to delete from, though the server says 404. */
export async function deleteNative({ session, index }: PineconeCall, ids: readonly string[]): Promise<void> {
  const handle = session.index(index.host);
  const chunks = [...splitBatches(ids, { recordsMax: DELETE_MAX, bytesMax: Number.POSITIVE_INFINITY }, () => 1)];
  try {
    await inParallel(chunks, (chunk) => handle.deleteMany({ ids: [...chunk] }));
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
    // Refused with 404 as well when the index itself is gone.
    await handle.describeIndexStats();
  }
}

/** A native record as the port shows it. */
export function toRecord(
  { index, call }: Pick<PineconeCall, 'index' | 'call'>,
  { id, values, metadata }: PineconeRecord,
  include: Include,
): StoredRecord {
  return {
    id: isHashed(id) ? (originalId(metadata) ?? id) : id,
    vector: include.vector ? vectorOf(values, isZero(metadata), index.dimension, call) : undefined,
    metadata: include.metadata === false ? undefined : fromNative(metadata),
    document: include.document === false ? undefined : documentOf(metadata),
  };
}

function vectorOf(
  values: readonly number[] | undefined,
  zero: boolean,
  dimension: number | null,
  origin: Origin,
): Float32Array {
  if (!Array.isArray(values) || (dimension !== null && values.length !== dimension)) {
    const text = `The server answers with ${values?.length ?? 0} dimensions, not ${dimension}.`;
    throw new ConnectorError('protocol', origin, text);
  }
  return zero ? new Float32Array(values.length) : Float32Array.from(values);
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
