import { type Database, type Em, query } from '@morag/orm';
import { buryChunks } from '../modules/document/chunk.store.ts';
import type { Document } from '../modules/document/document.entity.ts';
import { nextDocumentState } from '../modules/document/document.state.ts';
import { findVersion, lockDocument, setFailure } from '../modules/document/document.store.ts';
import { DocumentVersion } from '../modules/document/document-version.entity.ts';
import { finishJob, holdLease, type Lease } from '../modules/job/lease.store.ts';
import { activateVersion as countVersion, removeVersion } from '../search/lexical.store.ts';
import { sqlOf } from '../sql.ts';

/** Counting the words of the largest file that can be uploaded takes longer than any other statement may. */
const STATEMENT_SECONDS_MAX = 300;

/**
 * Makes a complete version the one that is searched. One transaction: until it commits the old version is found, after it
 * the new one, and never both. The records that only the old version had are buried, to be removed later.
 */
export async function activateVersion(db: Database, lease: Lease, signal: AbortSignal): Promise<void> {
  await db.transaction(
    async (em) => {
      await query(em, `set local statement_timeout = '${STATEMENT_SECONDS_MAX}s'`);
      const document = await lockDocument(em, lease.documentId);
      const version = await findVersion(em, document.id, lease.documentVersion);
      document.state = nextDocumentState(document.state, 'complete');
      if (document.activeVersionId != null) await supersede(em, document, document.activeVersionId, lease);
      await countVersion(sqlOf(em), lease);
      // Last, because counting may take long, and the lease is renewed all the while.
      await holdLease(em, lease);
      version.state = 'ACTIVE';
      version.activatedAt = new Date();
      document.activeVersionId = version.id;
      document.documentVersion = version.number;
      document.chunkCount = version.chunkCount;
      document.quality = version.quality;
      document.language = version.language;
      document.title = version.title;
      setFailure(document, null);
      await finishJob(
        em,
        lease,
        `${version.chunkCount} ${version.chunkCount === 1 ? 'passage' : 'passages'} can be searched`,
      );
    },
    { signal },
  );
}

async function supersede(em: Em, document: Document, oldVersionId: string, lease: Lease): Promise<void> {
  const { databaseId, ownerId, versionId } = lease;
  // Passages that stay change hands first: so they are not taken out of the counts and put back.
  await query(
    em,
    `update documents.chunk_lexemes set version_id = $2
     where version_id = $1 and chunk_id in (select id from documents.chunks where version_id = $2)`,
    [oldVersionId, versionId],
  );
  await removeVersion(sqlOf(em), { databaseId, versionId: oldVersionId });
  await buryChunks(em, { documentId: document.id, versionId: oldVersionId, ownerId, databaseId }, 0);
  (await em.findOneOrFail(DocumentVersion, { id: oldVersionId })).state = 'SUPERSEDED';
}
