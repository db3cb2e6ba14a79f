import {
  type Call,
  ConnectorError,
  type Filter,
  type Include,
  lastOfEachId,
  type Metadata,
  plainVector,
  type StoredRecord,
  splitBatches,
  type VectorRecord,
} from '@morag/connectors-core';
import { COLLECTION, type Neo4jCollection, RECORD } from './neo4j.collections.ts';
import { integer, type Neo4jDatabase, type Statement } from './neo4j.database.ts';
import { Parameters, toCypher } from './neo4j.filter.ts';
import { METADATA_PROPERTY, toChanges, toProperties } from './neo4j.metadata.ts';

const DELETE_ROWS = 5_000;

/** Where the data calls work. */
export interface On {
  readonly database: Neo4jDatabase;
  readonly call: Call;
  readonly collection: Neo4jCollection;
}

/** What a statement may bring of a record. */
export interface RecordRow {
  readonly id: string;
  readonly embedding?: readonly number[];
  readonly metadata?: string;
  readonly document?: string | null;
}

interface Row {
  /** Of the node, its key among them. */
  readonly properties: object;
  readonly bytes: number;
}

/** The collection is not the one that was looked up: it was deleted, and perhaps made again. */
export function collectionReplaced(call: Call): ConnectorError {
  return new ConnectorError('not_found', call, 'There is no such collection.', { vendorCode: 'COLLECTION_REPLACED' });
}

/** Each batch is one transaction, in which every record is replaced whole. */
export async function upsertRecords(
  { database, call, collection }: On,
  records: readonly VectorRecord[],
  limits: { recordsMax: number; bytesMax: number },
): Promise<void> {
  const rows = lastOfEachId(records).map((record) => toRow(collection, record));
  for (const batch of splitBatches(rows, limits, (row) => row.bytes)) {
    const [written] = await database.write<{ count: bigint }>(call, {
      text: `
        MATCH (:${COLLECTION} {key: $key, label: $label})
        UNWIND $rows AS row
        MERGE (n:${RECORD} {key: row.key}) SET n = row, n:${collection.nativeName}
        RETURN count(n) AS count`,
      values: { key: collection.key, label: collection.nativeName, rows: batch.map(({ properties }) => properties) },
    });
    if (Number(written?.count ?? 0) !== batch.length) throw collectionReplaced(call);
  }
}

export async function fetchRecords(
  { database, call, collection }: On,
  ids: readonly string[],
  include: Include,
): Promise<ReadonlyMap<string, StoredRecord>> {
  const rows = await database.read<RecordRow>(call, {
    text: `UNWIND $keys AS key MATCH (n:${RECORD} {key: key}) RETURN ${columns(include)}`,
    values: { keys: ids.map((id) => recordKey(collection, id)) },
  });
  return new Map(rows.map((row) => [row.id, toRecord(row)]));
}

/** Without a filter out of the count store, which knows the number of nodes of each label. */
export async function countRecords({ database, call, collection }: On, filter?: Filter): Promise<number> {
  const matching = filter && matchRecords(collection, filter);
  if (filter && !matching) return 0;
  const { text, values } = matching ?? { text: `MATCH (n:${collection.nativeName})`, values: {} };
  const [row] = await database.read<{ count: bigint }>(call, { text: `${text} RETURN count(n) AS count`, values });
  return Number(row?.count ?? 0);
}

export async function deleteRecords({ database, call, collection }: On, ids: readonly string[]): Promise<number> {
  const [row] = await database.write<{ count: bigint }>(call, {
    text: `UNWIND $keys AS key MATCH (n:${RECORD} {key: key}) DETACH DELETE n RETURN count(*) AS count`,
    values: { keys: [...new Set(ids)].map((id) => recordKey(collection, id)) },
  });
  return Number(row?.count ?? 0);
}

/** In several transactions: one would hold all that it deletes in memory. */
export async function deleteMatching({ database, call, collection }: On, filter: Filter): Promise<number> {
  const matching = matchRecords(collection, filter);
  if (!matching) return 0;
  const deletion = `CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF ${DELETE_ROWS} ROWS`;
  const [row] = await database.write<{ count: bigint }>(call, {
    text: `${matching.text} ${deletion} RETURN count(*) AS count`,
    values: matching.values,
  });
  return Number(row?.count ?? 0);
}

/** The records after an id, in the order of their keys: what is written or deleted elsewhere moves none of them. */
export async function scanRecords(
  { database, call, collection }: On,
  { after, limit, filter, include }: { after: string; limit: number; filter?: Filter; include: Include },
): Promise<StoredRecord[]> {
  const matching = matchRecords(collection, filter, after);
  if (!matching) return [];
  const rows = await database.read<RecordRow>(call, {
    text: `${matching.text} WITH n ORDER BY n.key LIMIT $limit RETURN ${columns(include)}`,
    values: { ...matching.values, limit: integer(limit) },
  });
  return rows.map(toRecord);
}

/**
 * Sets and removes keys; false when there is no such record. Read, changed here, and written if it is still the same: each
 * round that fails is one in which another's change went in.
 */
export async function patchRecord({ database, call, collection }: On, id: string, patch: Metadata): Promise<boolean> {
  const key = recordKey(collection, id);
  for (;;) {
    const [found] = await database.read<{ metadata: string }>(call, {
      text: `MATCH (n:${RECORD} {key: $key}) RETURN n.${METADATA_PROPERTY} AS metadata`,
      values: { key },
    });
    if (!found) return false;
    const changes = toChanges(JSON.parse(found.metadata) as Metadata, patch);
    const [written] = await database.write<{ count: bigint }>(call, {
      // Neo4j locks a node when it is written to, not when it is read: hence the first SET.
      text: `
        MATCH (n:${RECORD} {key: $key}) SET n.key = $key
        WITH n WHERE n.${METADATA_PROPERTY} = $before SET n += $changes RETURN count(n) AS count`,
      values: { key, before: found.metadata, changes },
    });
    if (Number(written?.count ?? 0) === 1) return true;
    call.signal.throwIfAborted();
  }
}

/**
 * The beginning of a statement over a collection's records, or those after an id, that match; undefined when none can. It
 * goes by the keys and not by the label, so that its text, and with it the server's plan, is one for all collections.
 */
export function matchRecords(
  { nativeName: label }: Neo4jCollection,
  filter: Filter | undefined,
  after = '',
): (Statement & { readonly values: Readonly<Record<string, unknown>> }) | undefined {
  const parameters = new Parameters();
  const where = toCypher(filter, parameters);
  if (where === undefined) return undefined;
  const text = `
    CYPHER replan=skip MATCH (n:${RECORD}) USING INDEX n:${RECORD}(key)
    WHERE n.key > $after AND n.key < $end AND ${where}`;
  // The character after the slash ends the keys of the collection.
  return { text, values: { ...parameters.values, after: `${label}/${after}`, end: `${label}0` } };
}

/** What a caller wants of the node `n`. */
export function columns(include: Include): string {
  const names = ['n.id AS id'];
  if (include.vector) names.push('n.embedding AS embedding');
  if (include.metadata !== false) names.push(`n.${METADATA_PROPERTY} AS metadata`);
  if (include.document !== false) names.push('n.document AS document');
  return names.join(', ');
}

export function toRecord({ id, embedding, metadata, document }: RecordRow): StoredRecord {
  return {
    id,
    vector: embedding && Float32Array.from(embedding),
    metadata: metadata === undefined ? undefined : (JSON.parse(metadata) as Metadata),
    document: document ?? undefined,
  };
}

/** Unique among the records of all collections. Labels are of one length at their end, and have no slash. */
export function recordKey({ nativeName: label }: Neo4jCollection, id: string): string {
  return `${label}/${id}`;
}

function toRow(collection: Neo4jCollection, { id, vector, metadata = {}, document }: VectorRecord): Row {
  const key = recordKey(collection, id);
  const properties = toProperties(metadata);
  const json = properties[METADATA_PROPERTY] as string;
  return {
    properties: { ...properties, key, id, embedding: plainVector(vector), ...(document !== undefined && { document }) },
    // Metadata goes in twice; a number takes nine bytes.
    bytes: key.length + vector.length * 9 + json.length * 2 + (document?.length ?? 0),
  };
}
