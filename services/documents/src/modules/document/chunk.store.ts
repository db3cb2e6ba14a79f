import { type Database, type Em, query } from '@morag/orm';
import type { Chunk } from '../../chunk/chunk.ts';
import { execute } from '../../sql.ts';
import type { ChunkView } from './document.view.ts';

/** A passage whose vector is yet to be stored. */
export interface UnstoredChunk {
  readonly id: string;
  readonly position: number;
  readonly embeddingText: string;
}

/** A passage that is about to be inserted. */
export interface NewChunk extends Chunk {
  /** Of its record: the active version's where that has the same passage. */
  readonly id: string;
  /** Whether a record with its vector is there already. */
  readonly isStored: boolean;
}

const ROWS_AT_ONCE = 500;

/** Adds a version's passages. PostgreSQL takes no NUL in a text. */
export async function insertChunks(
  em: Em,
  { documentId, versionId }: { documentId: string; versionId: string },
  chunks: readonly NewChunk[],
): Promise<void> {
  for (let start = 0; start < chunks.length; start += ROWS_AT_ONCE) {
    const rows = chunks.slice(start, start + ROWS_AT_ONCE).map((chunk) => ({
      position: chunk.index,
      id: chunk.id,
      text: storable(chunk.text),
      page: chunk.page ?? null,
      heading_path: chunk.headingPath.map(storable),
      start_offset: chunk.startOffset,
      end_offset: chunk.endOffset,
      language: chunk.language,
      hash: chunk.hash,
      embedding_text: chunk.isStored ? null : storable(chunk.embeddingText),
    }));
    await query(em, INSERT, [versionId, documentId, JSON.stringify(rows)]);
  }
}

const INSERT = `
insert into documents.chunks
  (version_id, position, id, document_id, text, page, heading_path, start_offset, end_offset, language, hash, embedding_text)
select $1, row.position, row.id, $2, row.text, row.page, row.heading_path, row.start_offset, row.end_offset, row.language,
       row.hash, row.embedding_text
from jsonb_to_recordset($3::jsonb) as row (position int, id uuid, text text, page int, heading_path text[], start_offset int,
  end_offset int, language text, hash text, embedding_text text)`;

/** NUL cannot be stored, and a lone surrogate is no character either. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Ids of a version's passages whose vectors are stored, by their hash. */
export async function storedIdsByHash(em: Em, versionId: string): Promise<Map<string, string[]>> {
  const rows = await query<{ hash: string; id: string }>(
    em,
    'select hash, id from documents.chunks where version_id = $1 and embedding_text is null order by position',
    [versionId],
  );
  const ids = new Map<string, string[]>();
  for (const { hash, id } of rows) ids.set(hash, [...(ids.get(hash) ?? []), id]);
  return ids;
}

/** Whether a version has passages: not before its file was read, nor after it was superseded. */
export async function hasChunks(em: Em, versionId: string): Promise<boolean> {
  return (await query(em, 'select from documents.chunks where version_id = $1 limit 1', [versionId])).length > 0;
}

/** How many passages a version has, and how many vectors are yet to be stored. */
export async function countChunks(db: Database, versionId: string): Promise<{ total: number; unstored: number }> {
  const [row] = await db.read<{ total: bigint; unstored: bigint }>(
    'select count(*) as total, count(embedding_text) as unstored from documents.chunks where version_id = $1',
    [versionId],
  );
  return { total: Number(row?.total ?? 0), unstored: Number(row?.unstored ?? 0) };
}

/** The next passages whose vectors are yet to be stored, in reading order. */
export async function nextUnstored(
  db: Database,
  versionId: string,
  after: number,
  limit: number,
): Promise<UnstoredChunk[]> {
  return db.read<UnstoredChunk>(
    `select id, position, embedding_text as "embeddingText" from documents.chunks
     where version_id = $1 and position > $2 and embedding_text is not null order by position limit $3`,
    [versionId, after, limit],
  );
}

/**
 * Notes that the vectors of passages are stored. Only under the lease: another worker that took the job over might have
 * removed them since. Says whether the lease still holds.
 */
export async function markStored(
  db: Database,
  lease: { readonly jobId: string; readonly fencingToken: bigint },
  ids: readonly string[],
): Promise<boolean> {
  const rows = await execute(
    db,
    `with held as (
       select version_id from documents.jobs where id = $1 and fencing_token = $2 and status = 'PROCESSING' for share
     ), marked as (
       update documents.chunks set embedding_text = null from held
       where chunks.version_id = held.version_id and chunks.id = any($3::uuid[])
     )
     select 1 as ok from held`,
    [lease.jobId, lease.fencingToken, ids],
  );
  return rows.length === 1;
}

/**
 * Removes a version's passages, and buries their records, but for those that another version keeps.
 * `delaySeconds`: a worker may still be writing them.
 */
export async function buryChunks(
  em: Em,
  version: {
    readonly documentId: string;
    readonly versionId: string;
    readonly ownerId: string;
    readonly databaseId: string;
  },
  delaySeconds: number,
): Promise<void> {
  await query(em, BURY, [version.versionId, version.databaseId, version.ownerId, version.documentId, delaySeconds]);
}

const BURY = `
with removed as (delete from documents.chunks where version_id = $1 returning id)
insert into documents.record_tombstones (record_id, database_id, owner_id, document_id, due_at)
select removed.id, $2, $3, $4, now() + make_interval(secs => $5)
from removed
where not exists (select from documents.chunks kept where kept.id = removed.id and kept.version_id <> $1)
on conflict (record_id) do nothing`;

/** A page of the passages of a version, in reading order, after a position. */
export async function listChunks(db: Database, versionId: string, after: number, limit: number): Promise<ChunkView[]> {
  return db.read<ChunkView>(
    `select ${CHUNK_COLUMNS} from documents.chunks c join documents.document_versions v on v.id = c.version_id
     where c.version_id = $1 and c.position > $2 order by c.position limit $3`,
    [versionId, after, limit],
  );
}

/** Columns of ChunkView, from `chunks c` and `document_versions v`. */
const CHUNK_COLUMNS = `c.id, c.document_id as "documentId", v.number as "documentVersion", c.text, c.position, c.page,
  c.heading_path as "headingPath", c.start_offset as "startOffset", c.end_offset as "endOffset", c.language`;
