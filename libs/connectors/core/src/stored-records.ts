import type { Origin } from './calls.ts';
import { ConnectorError } from './connector.error.ts';
import type { FetchResult, Include, QueryRequest, StoredRecord, Vector } from './connector.port.ts';
import { checkIds } from './requests.ts';

/** Records by id, those that are there, from the server. */
export type FetchRecords = (ids: readonly string[], include: Include) => Promise<ReadonlyMap<string, StoredRecord>>;

/** Answers a `fetch`: an id that is asked for twice is answered once. */
export async function fetchByIds(
  origin: Origin,
  ids: readonly string[],
  include: Include,
  fetch: FetchRecords,
): Promise<FetchResult> {
  checkIds(origin, ids);
  const unique = [...new Set(ids)];
  const found = await fetch(unique, include);
  return {
    records: unique.map((id) => found.get(id)).filter((record) => record !== undefined),
    missing: unique.filter((id) => !found.has(id)),
  };
}

/** The vector that a query starts from: its own, or that of the record it names; rejects when there is no such record. */
export async function queryVector(
  origin: Origin,
  { vector, id = '' }: Pick<QueryRequest, 'vector' | 'id'>,
  fetch: FetchRecords,
): Promise<Vector> {
  if (vector) return vector;
  const found = await fetch([id], { vector: true, metadata: false, document: false });
  const stored = found.get(id)?.vector;
  if (!stored) throw noSuchRecord(origin);
  return stored;
}

/** Of an id that no record has. Told apart from a missing collection, which is `not_found` too, by its code. */
export function noSuchRecord(origin: Origin): ConnectorError {
  return new ConnectorError('not_found', origin, 'There is no such record.', { vendorCode: 'RECORD_NOT_FOUND' });
}
