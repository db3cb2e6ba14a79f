import {
  ConnectorError,
  type Filter,
  type Include,
  lastOfEachId,
  matches,
  type RecordFailure,
  type StoredRecord,
  splitBatches,
  uuidOfId,
  type VectorRecord,
} from '@morag/connectors-core';
import { addProperties, type WeaviateCollection } from './weaviate.collections.ts';
import type { Doubts } from './weaviate.doubts.ts';
import { EVERYTHING, toWeaviateFilter } from './weaviate.filter.ts';
import {
  type BatchObject,
  message,
  namedVector,
  type PropertiesRequest,
  type SearchResult,
  vectorOf,
  type WeaviateFilter,
  wantedMetadata,
  wantedProperties,
  where,
} from './weaviate.messages.ts';
import { WEAVIATE_CAPABILITIES } from './weaviate.options.ts';
import {
  documentOf,
  ID,
  idOf,
  META,
  metadataOf,
  rangePropertiesOf,
  TEXT,
  toProperties,
} from './weaviate.properties.ts';
import type { WeaviateSession } from './weaviate.wire.ts';

/** Ids of one call. The server returns at most 10,000 objects. */
const IDS_MAX = 2_000;
/** Records read at once when a filter is completed here. */
const PAGE = 1_000;
/** Beside the properties: names, lengths and the object's id. */
const OBJECT_BYTES = 200;

interface Row {
  readonly record: VectorRecord;
  readonly object: BatchObject;
  readonly bytes: number;
}

/**
 * Writes batches as one gRPC message each. The SDK's own `insertMany` hands its objects over by timers, which costs half
 * a second, and never settles when one of them cannot be encoded. Whole objects are replaced.
 */
export async function upsertRecords(
  session: WeaviateSession,
  collection: WeaviateCollection,
  records: readonly VectorRecord[],
  doubts: Doubts,
): Promise<{ collection: WeaviateCollection; failed: readonly RecordFailure[] }> {
  const unique = lastOfEachId(records);
  const complete = await addProperties(session, collection, new Set(unique.flatMap(rangePropertiesOf)));
  const limits = { recordsMax: WEAVIATE_CAPABILITIES.maxBatchRecords, bytesMax: WEAVIATE_CAPABILITIES.maxBatchBytes };
  const failed: RecordFailure[] = [];
  const rows = unique.map((record) => toRow(record, complete));
  for (const batch of splitBatches(rows, limits, ({ bytes }) => bytes)) {
    for (const { index, error } of await writeBatch(session, collection, batch, doubts)) {
      failed.push({ id: batch[index]?.record.id ?? '', message: error });
    }
  }
  return { collection: complete, failed };
}

/**
 * The server confirms a batch before its last vectors are in the log of the index, so that a crash within the next
 * seconds would leave the objects where no search finds them. What follows a batch brings the log to the disk.
 */
async function writeBatch(
  session: WeaviateSession,
  { target, uid }: WeaviateCollection,
  batch: readonly Row[],
  doubts: Doubts,
): Promise<readonly { index: number; error: string }[]> {
  const ids = batch.map(({ record }) => record.id);
  const doubtful = doubts.among(uid, ids);
  try {
    if (doubtful.length > 0) await session.remove(target, whereUuid(doubtful.map(uuidOfId)));
    const objects = batch.map(({ object }) => object);
    const errors = await session.write(target, objects);
    await session.flush(target, whereUuid(objects.map(({ uuid }) => uuid)));
    doubts.clear(uid, doubtful);
    return errors;
  } catch (error) {
    if (error instanceof ConnectorError) doubts.note(uid, ids, error);
    throw error;
  }
}

function toRow(record: VectorRecord, { target, vectorName, properties }: WeaviateCollection): Row {
  const { id, vector, document = '' } = record;
  const stored = toProperties(record, properties);
  const meta: unknown = stored.nonRefProperties?.[META];
  // The facts say about the same as the metadata once more.
  const metaBytes = typeof meta === 'string' ? meta.length * 3 : 0;
  return {
    record,
    object: message({
      uuid: uuidOfId(id),
      collection: target.className,
      tenant: target.tenant,
      vectors: [namedVector(vectorName, vector)],
      properties: stored,
    }),
    bytes: OBJECT_BYTES + vector.length * 4 + document.length + metaBytes,
  };
}

export async function fetchRecords(
  session: WeaviateSession,
  collection: WeaviateCollection,
  ids: readonly string[],
  include: Include,
): Promise<ReadonlyMap<string, StoredRecord>> {
  const found = new Map<string, StoredRecord>();
  for (const uuids of chunks([...new Set(ids.map(uuidOfId))], IDS_MAX)) {
    const { results } = await session.list(collection.target, {
      filters: whereUuid(uuids),
      limit: uuids.length,
      metadata: wantedMetadata({ vector: include.vector }),
      properties: wantedOf(collection, include),
    });
    for (const result of results) {
      const record = toRecord(result, include);
      found.set(record.id, record);
    }
  }
  return found;
}

/** How many there were. */
export async function deleteRecords(
  session: WeaviateSession,
  { target }: WeaviateCollection,
  ids: readonly string[],
): Promise<number> {
  let deleted = 0;
  for (const uuids of chunks([...new Set(ids.map(uuidOfId))], IDS_MAX)) {
    deleted += await session.remove(target, whereUuid(uuids));
  }
  return deleted;
}

/** The server deletes at most 10,000 objects at once, hence round after round. */
export async function deleteMatching(
  session: WeaviateSession,
  collection: WeaviateCollection,
  filter: Filter,
): Promise<number> {
  const { none, where: wanted, exact } = toWeaviateFilter(filter, collection);
  if (none) return 0;
  if (!exact || !collection.createdByUs) {
    return deleteRecords(session, collection, await matchingIds(session, collection, filter));
  }
  for (let deleted = 0; ; ) {
    const removed = await session.remove(collection.target, wanted ?? EVERYTHING);
    deleted += removed;
    if (removed === 0) return deleted;
  }
}

export async function countMatching(
  session: WeaviateSession,
  collection: WeaviateCollection,
  filter: Filter | undefined,
): Promise<number> {
  const { none, where: wanted, exact } = toWeaviateFilter(filter, collection);
  if (none) return 0;
  if (exact) return session.count(collection.target, wanted);
  return (await matchingIds(session, collection, filter)).length;
}

/** The ids of all records that match. The server can order by id or filter, but not both, so that it reads everything. */
export async function matchingIds(
  session: WeaviateSession,
  collection: WeaviateCollection,
  filter: Filter | undefined,
): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined = '';
  while (after !== undefined) {
    const page = await readPage(session, collection, { after, limit: PAGE, include: { document: false } });
    for (const record of page.records) if (!filter || matches(filter, record.metadata)) ids.push(record.id);
    after = page.after;
  }
  return ids;
}

/** What lies behind an object in the order of the UUIDs; `after` is undefined behind the last. */
export async function readPage(
  session: WeaviateSession,
  collection: WeaviateCollection,
  { after, limit, include }: { after: string; limit: number; include: Include },
): Promise<{ records: StoredRecord[]; after: string | undefined }> {
  const { results } = await session.list(collection.target, {
    limit,
    // The lowest there can be, since an empty one would give the page another order.
    after: after || '00000000-0000-0000-0000-000000000000',
    metadata: wantedMetadata({ vector: include.vector }),
    properties: wantedOf(collection, include),
  });
  const last = results.length < limit ? undefined : results.at(-1)?.metadata?.id;
  return { records: results.map((result) => toRecord(result, include)), after: last };
}

/** The properties to return; of another program's class all of them, since they are its metadata. */
export function wantedOf({ createdByUs }: WeaviateCollection, include: Include): PropertiesRequest {
  if (!createdByUs) return wantedProperties(include.metadata === false ? [] : 'all');
  const names = [ID];
  if (include.metadata !== false) names.push(META);
  if (include.document !== false) names.push(TEXT);
  return wantedProperties(names);
}

export function toRecord(result: SearchResult, include: Include): StoredRecord {
  return {
    id: idOf(result),
    vector: include.vector ? vectorOf(result) : undefined,
    metadata: include.metadata === false ? undefined : metadataOf(result),
    document: include.document === false ? undefined : documentOf(result),
  };
}

export function whereUuid(uuids: readonly string[]): WeaviateFilter {
  const [first] = uuids;
  return uuids.length === 1 && first !== undefined ? where('_id', 'equal', first) : where('_id', 'containsAny', uuids);
}

/** Parts of at most `size`. */
export function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
