import { LockMode } from '@mikro-orm/core';
import type { OwnerScope } from '@morag/auth';
import { DomainError } from '@morag/errors';
import { type Database, type Em, query } from '@morag/orm';
import { execute } from '../../sql.ts';
import { Document } from './document.entity.ts';
import type { DocumentView, VersionView } from './document.view.ts';
import { DocumentVersion } from './document-version.entity.ts';

/** Columns of DocumentView, from `documents d`. */
export const DOCUMENT_COLUMNS = `d.id, d.owner_id as "ownerId", d.database_id as "databaseId", d.name, d.type, d.state,
  d.document_version as "documentVersion", d.chunk_count as "chunkCount", d.quality, d.language, d.title,
  d.content_hash as "contentHash", d.size_bytes as "sizeBytes", d.metadata, d.job_id as "jobId",
  d.failure_reason as "failureReason", d.failure_detail as "failureDetail", d.uploaded_at as "uploadedAt",
  d.created_at as "createdAt", d.updated_at as "updatedAt", d.version`;

/** Whose documents a caller sees: one owner's, of some databases or of all; or, for an administrator, everybody's. */
export type Scope = Pick<OwnerScope, 'ownerId' | 'databaseIds'>;

/** Another owner's document is not found, exactly as one that does not exist. */
export function documentNotFound(id: string): DomainError {
  return new DomainError('DOCUMENT_NOT_FOUND', 'There is no such document.', { metadata: { documentId: id } });
}

/** A document, or DOCUMENT_NOT_FOUND. */
export async function readDocument(db: Database, id: string, { ownerId, databaseIds }: Scope): Promise<DocumentView> {
  const [row] = await db.read<DocumentView>(
    `select ${DOCUMENT_COLUMNS} from documents.documents d
     where d.id = $1 and ($2::uuid is null or d.owner_id = $2) and ($3::uuid[] is null or d.database_id = any($3))`,
    [id, ownerId ?? null, databaseIds ?? null],
  );
  if (row === undefined) throw documentNotFound(id);
  return row;
}

/** Locks a document until the transaction ends; the first lock after the counter's. Or DOCUMENT_NOT_FOUND. */
export async function lockDocument(em: Em, id: string, { ownerId, databaseIds }: Scope = {}): Promise<Document> {
  const document = await em.findOne(
    Document,
    { id, ...(ownerId && { ownerId }), ...(databaseIds && { databaseId: { $in: [...databaseIds] } }) },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  if (document === null) throw documentNotFound(id);
  return document;
}

/** The document of a name, locked; null when there is none. Not one that is deleted: its name is free. */
export async function lockDocumentByName(em: Em, databaseId: string, name: string): Promise<Document | null> {
  const where = { databaseId, name, state: { $ne: 'DELETED' as const } };
  return em.findOne(Document, where, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

/** A version by its number. */
export async function findVersion(em: Em, documentId: string, number: number): Promise<DocumentVersion> {
  return em.findOneOrFail(DocumentVersion, { documentId, number });
}

/** Versions newest first, below a number. */
export async function listVersions(
  db: Database,
  documentId: string,
  below: number,
  limit: number,
): Promise<VersionView[]> {
  return db.read<VersionView>(
    `select number, state, content_hash as "contentHash", size_bytes as "sizeBytes", chunk_count as "chunkCount", quality,
            created_at as "createdAt", activated_at as "activatedAt"
     from documents.document_versions where document_id = $1 and number < $2 order by number desc limit $3`,
    [documentId, below, limit],
  );
}

/** The version that is searched; undefined before the first ingestion. */
export async function activeVersionOf(em: Em, documentId: string): Promise<string | undefined> {
  const [row] = await query<{ id: string | null }>(
    em,
    'select active_version_id as id from documents.documents where id = $1',
    [documentId],
  );
  return row?.id ?? undefined;
}

/** Those of the hashes that no version names. */
export async function unreferencedContents(db: Database, hashes: readonly string[]): Promise<string[]> {
  const rows = await db.read<{ hash: string }>(
    `select hash from unnest($1::text[]) as given (hash)
     where not exists (select from documents.document_versions v where v.content_hash = given.hash)`,
    [hashes],
  );
  return rows.map(({ hash }) => hash);
}

/** What nothing is left of but the row `d`. */
const IS_BURIED = `d.state = 'DELETED'
  and not exists (select from documents.record_tombstones t where t.document_id = d.id)`;

/** Removes the rows of deleted documents whose records are gone; says how many. */
export async function removeBuried(db: Database, limit: number): Promise<number> {
  const rows = await execute(
    db,
    `delete from documents.documents where id in (
       select d.id from documents.documents d where ${IS_BURIED} limit $1 for update skip locked)
     returning id`,
    [limit],
  );
  return rows.length;
}

/** The same of one document. Waits for whoever is removing it at this moment: when this returns, the row is gone. */
export async function removeIfBuried(db: Database, id: string): Promise<void> {
  await execute(db, `delete from documents.documents d where d.id = $1 and ${IS_BURIED}`, [id]);
}

/** Notes why a document cannot be searched in its newest version; null when nothing is wrong. */
export function setFailure(document: Document, failure: { reason: string; detail: string } | null): void {
  document.failureReason = failure?.reason ?? null;
  document.failureDetail = failure?.detail ?? null;
}
