import {
  type Filter,
  type Include,
  lastOfEachId,
  type Metadata,
  plainVector,
  presentMetadata,
  type StoredRecord,
  splitBatches,
  type Vector,
  type VectorRecord,
} from '@morag/connectors-core';
import type { Session } from './pgvector.database.ts';
import { Parameters, toSql } from './pgvector.filter.ts';
import type { PgvectorTable } from './pgvector.tables.ts';

/** What a SELECT may bring of a record. */
export interface RecordRow {
  readonly id: string;
  readonly embedding?: string;
  readonly metadata?: Metadata;
  readonly document?: string | null;
}

export interface Row {
  readonly id: string;
  readonly embedding: string;
  readonly metadata: string;
  readonly document: string | null;
  readonly bytes: number;
}

/** Batches for `upsertRows`, each small enough for one statement. */
export function toBatches(
  records: readonly VectorRecord[],
  limits: { recordsMax: number; bytesMax: number },
): Iterable<readonly Row[]> {
  return splitBatches(lastOfEachId(records).map(toRow), limits, (row) => row.bytes);
}

export async function upsertRows(session: Session, { qualified }: PgvectorTable, rows: readonly Row[]): Promise<void> {
  await session.execute({
    text: `
      INSERT INTO ${qualified} (id, embedding, metadata, document)
      SELECT t.id, t.embedding::vector, t.metadata::jsonb, t.document
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS t(id, embedding, metadata, document)
      ON CONFLICT (id) DO UPDATE
      SET embedding = excluded.embedding, metadata = excluded.metadata, document = excluded.document`,
    values: [
      rows.map((row) => row.id),
      rows.map((row) => row.embedding),
      rows.map((row) => row.metadata),
      rows.map((row) => row.document),
    ],
  });
}

export async function fetchRows(
  session: Session,
  { qualified }: PgvectorTable,
  ids: readonly string[],
  include: Include,
): Promise<ReadonlyMap<string, StoredRecord>> {
  const text = `SELECT ${columns(include)} FROM ${qualified} WHERE id = ANY ($1::text[])`;
  const rows = await session.query<RecordRow>({ text, values: [ids] });
  return new Map(rows.map((row) => [row.id, toRecord(row)]));
}

export async function countRows(session: Session, { qualified }: PgvectorTable, filter?: Filter): Promise<number> {
  const parameters = new Parameters();
  const where = toSql(filter, parameters);
  const text = `SELECT count(*) AS count FROM ${qualified} WHERE ${where}`;
  const [row] = await session.query<{ count: string }>({ text, values: parameters.values });
  return Number(row?.count ?? 0);
}

export function deleteRows(session: Session, { qualified }: PgvectorTable, ids: readonly string[]): Promise<number> {
  return session.execute({ text: `DELETE FROM ${qualified} WHERE id = ANY ($1::text[])`, values: [ids] });
}

export function deleteMatching(session: Session, { qualified }: PgvectorTable, filter: Filter): Promise<number> {
  const parameters = new Parameters();
  const where = toSql(filter, parameters);
  return session.execute({ text: `DELETE FROM ${qualified} WHERE ${where}`, values: parameters.values });
}

/** The records after an id, in the order of ids: what is written or deleted elsewhere moves none of them. */
export async function scanRows(
  session: Session,
  { qualified }: PgvectorTable,
  { after, limit, filter, include }: { after: string; limit: number; filter?: Filter; include: Include },
): Promise<StoredRecord[]> {
  const parameters = new Parameters();
  const id = parameters.add(after, 'text');
  const where = toSql(filter, parameters);
  const text = `SELECT ${columns(include)} FROM ${qualified} WHERE id > ${id} AND ${where} ORDER BY id LIMIT ${limit}`;
  return (await session.query<RecordRow>({ text, values: parameters.values })).map(toRecord);
}

/** Sets and removes keys in one statement; false when there is no such record. */
export async function patchRow(
  session: Session,
  { qualified }: PgvectorTable,
  id: string,
  patch: Metadata,
): Promise<boolean> {
  const removed = Object.keys(patch).filter((key) => patch[key] === null);
  const text = `UPDATE ${qualified} SET metadata = (metadata - $2::text[]) || $3::jsonb WHERE id = $1`;
  const values = [id, removed, JSON.stringify(presentMetadata(patch))];
  return (await session.execute({ text, values })) > 0;
}

/** The columns that a caller wants. */
export function columns(include: Include): string {
  const names = ['id'];
  if (include.vector) names.push('embedding::text AS embedding');
  if (include.metadata !== false) names.push('metadata');
  if (include.document !== false) names.push('document');
  return names.join(', ');
}

export function toRecord({ id, embedding, metadata, document }: RecordRow): StoredRecord {
  return {
    id,
    // pgvector prints the shortest text that reads back as the same float32.
    vector: embedding === undefined ? undefined : Float32Array.from(JSON.parse(embedding) as number[]),
    metadata,
    document: document ?? undefined,
  };
}

/** pgvector's text form of a vector, which is also its JSON; that takes a third of the time of joining the numbers. */
export function vectorText(vector: Vector): string {
  return JSON.stringify(plainVector(vector));
}

function toRow({ id, vector, metadata, document }: VectorRecord): Row {
  const embedding = vectorText(vector);
  const json = metadata ? JSON.stringify(presentMetadata(metadata)) : '{}';
  const bytes = id.length + embedding.length + json.length + (document?.length ?? 0);
  return { id, embedding, metadata: json, document: document ?? null, bytes };
}
