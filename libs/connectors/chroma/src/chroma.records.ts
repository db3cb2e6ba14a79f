import {
  type Filter,
  type Include,
  lastOfEachId,
  matches,
  type StoredRecord,
  splitBatches,
  type Vector,
  type VectorRecord,
} from '@morag/connectors-core';
import type { Collection, IncludeEnum } from 'chromadb';
import { toChromaFilter } from './chroma.filter.ts';
import { fromNative, type NativeMetadata, toNative } from './chroma.metadata.ts';
import { CHROMA_CAPABILITIES } from './chroma.options.ts';
import type { ChromaSession } from './chroma.wire.ts';

/** Ids of one call: well below where the server's SQLite runs out of parameters (about 32,000). */
const IDS_MAX = 5_000;
/** Records read at once when a filter is completed here. */
const PAGE = 2_000;
const BASE64_BYTES_PER_FLOAT = 16 / 3;

interface Row {
  readonly record: VectorRecord;
  readonly metadata: NativeMetadata | null;
  readonly bytes: number;
}

/**
 * Whole records are replaced, where the server's own upsert keeps metadata keys and the document of the old ones
 * (chroma#1630). A record that loses a key or its document is deleted first; every other one is replaced in one step.
 */
export async function upsertRecords(
  session: ChromaSession,
  uuid: string,
  records: readonly VectorRecord[],
): Promise<void> {
  const collection = session.collection(uuid);
  const rows = lastOfEachId(records).map(toRow);
  const limits = { recordsMax: CHROMA_CAPABILITIES.maxBatchRecords, bytesMax: CHROMA_CAPABILITIES.maxBatchBytes };
  for (const batch of splitBatches(rows, limits, (row) => row.bytes)) {
    const shrinking = await shrinkingIds(collection, batch);
    if (shrinking.length > 0) await collection.delete({ ids: shrinking });
    await session.request('POST', `/collections/${uuid}/upsert`, {
      ids: batch.map((row) => row.record.id),
      embeddings: batch.map((row) => base64Of(row.record.vector)),
      metadatas: batch.map((row) => row.metadata),
      documents: batch.map((row) => row.record.document ?? null),
    });
  }
}

/** The vector's 32-bit floats as the server takes them, in the byte order of every machine that Node runs on. */
function base64Of(vector: Vector): string {
  const { buffer, byteOffset, byteLength } = vector instanceof Float32Array ? vector : Float32Array.from(vector);
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** The records of a batch that exist with a key or a document which the new ones lack. */
async function shrinkingIds(collection: Collection, rows: readonly Row[]): Promise<string[]> {
  const mayLoseText = rows.some((row) => row.record.document === undefined);
  const include = (mayLoseText ? ['metadatas', 'documents'] : ['metadatas']) as IncludeEnum[];
  const old = await collection.get({ ids: rows.map((row) => row.record.id), include });
  if (old.ids.length === 0) return [];
  const byId = new Map(rows.map((row) => [row.record.id, row]));
  return old.ids.filter((id, index) => {
    const row = byId.get(id);
    if (typeof old.documents[index] === 'string' && row?.record.document === undefined) return true;
    const keys = Object.keys(old.metadatas[index] ?? {});
    return keys.some((key) => row?.metadata?.[key] === undefined);
  });
}

function toRow(record: VectorRecord): Row {
  const metadata = toNative(record.metadata);
  let bytes = record.vector.length * BASE64_BYTES_PER_FLOAT + record.id.length + (record.document?.length ?? 0);
  for (const key in metadata) bytes += key.length + String(metadata[key]).length + 8;
  return { record, metadata, bytes };
}

export async function fetchRecords(
  collection: Collection,
  ids: readonly string[],
  include: Include,
): Promise<ReadonlyMap<string, StoredRecord>> {
  const found = new Map<string, StoredRecord>();
  const unique = [...new Set(ids)];
  for (let start = 0; start < unique.length; start += IDS_MAX) {
    const page = await collection.get({ ids: unique.slice(start, start + IDS_MAX), include: included(include) });
    for (const record of toRecords(page, include)) found.set(record.id, record);
  }
  return found;
}

export async function deleteRecords(collection: Collection, ids: readonly string[]): Promise<void> {
  const unique = [...new Set(ids)];
  for (let start = 0; start < unique.length; start += IDS_MAX) {
    await collection.delete({ ids: unique.slice(start, start + IDS_MAX) });
  }
}

/** The ids of all records that match, in storage order. The server has no filtered count, and none of its own here. */
export async function matchingIds(collection: Collection, filter: Filter): Promise<string[]> {
  const { none, where, exact } = toChromaFilter(filter);
  const ids: string[] = [];
  if (none) return ids;
  const limit = exact ? PAGE * 5 : PAGE;
  for (let offset = 0; ; offset += limit) {
    const page = await collection.get({ where, offset, limit, include: exact ? [] : ['metadatas'] });
    for (const [index, id] of page.ids.entries()) {
      if (exact || matches(filter, fromNative(page.metadatas[index]))) ids.push(id);
    }
    if (page.ids.length < limit) return ids;
  }
}

/** The SDK's names for what a caller wants. */
export function included(include: Include, always: readonly IncludeEnum[] = []): IncludeEnum[] {
  const names: IncludeEnum[] = [...always];
  if (include.vector) names.push('embeddings' as IncludeEnum);
  if (include.metadata !== false && !names.includes('metadatas' as IncludeEnum)) names.push('metadatas' as IncludeEnum);
  if (include.document !== false) names.push('documents' as IncludeEnum);
  return names;
}

interface Columns {
  readonly ids: readonly string[];
  readonly embeddings?: readonly (readonly number[])[];
  readonly metadatas?: readonly (Readonly<Record<string, unknown>> | null)[];
  readonly documents?: readonly (string | null)[];
}

export function toRecords(columns: Columns, include: Include): StoredRecord[] {
  return columns.ids.map((id, index) => toRecord(columns, index, id, include));
}

export function toRecord(columns: Columns, index: number, id: string, include: Include): StoredRecord {
  const embedding = include.vector ? columns.embeddings?.[index] : undefined;
  return {
    id,
    vector: embedding ? Float32Array.from(embedding) : undefined,
    metadata: include.metadata === false ? undefined : fromNative(columns.metadatas?.[index]),
    document: include.document === false ? undefined : (columns.documents?.[index] ?? undefined),
  };
}
