import { matches, type ScanRequest, type StoredRecord } from '@morag/connectors-core';
import type { WeaviateCollection } from './weaviate.collections.ts';
import { toWeaviateFilter } from './weaviate.filter.ts';
import { readPage } from './weaviate.records.ts';
import type { WeaviateSession } from './weaviate.wire.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A position is the UUID of the last object seen: what is written or deleted meanwhile moves nothing else. */
export function isWeaviatePosition(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** One page in the order of the UUIDs. The server cannot filter in that order, so a filter is applied here. */
export async function scanRecords(
  session: WeaviateSession,
  collection: WeaviateCollection,
  request: ScanRequest,
  position = '',
): Promise<{ records: StoredRecord[]; next: string | undefined }> {
  const { filter, pageSize, include = {} } = request;
  if (toWeaviateFilter(filter, collection).none) return { records: [], next: undefined };
  const wanted = filter ? { ...include, metadata: true } : include;
  const page = await readPage(session, collection, { after: position, limit: pageSize, include: wanted });
  if (!filter) return { records: page.records, next: page.after };
  const records = page.records
    .filter(({ metadata }) => matches(filter, metadata))
    .map((record) => (include.metadata === false ? { ...record, metadata: undefined } : record));
  return { records, next: page.after };
}
