import { type Database, type Em, query } from '@morag/orm';
import { countDocuments, lockCounter } from '../count/counter.store.ts';
import { pushCounts } from '../count/push-counts.ts';
import { cancelOpenJobs, discardVersion } from '../job/end-jobs.ts';
import type { JobBus } from '../job/job.bus.ts';
import type { Document } from './document.entity.ts';
import { nextDocumentState } from './document.state.ts';
import { lockDocument, readDocument, type Scope, setFailure } from './document.store.ts';
import { type RemoveRecordsParts, removeRecords } from './remove-records.ts';

/** What deleting needs. */
export interface DeleteParts extends RemoveRecordsParts {
  readonly db: Database;
  readonly bus: JobBus;
}

/** How long the caller waits for the records to go; after that they go in the background. */
const WAIT_MS_MAX = 2_000;

/**
 * Deletes a document: with the transaction it is in no search any more. Its records go right away when their server is
 * there, else later; then the row goes too.
 */
export async function deleteDocument(parts: DeleteParts, id: string, scope: Scope, signal: AbortSignal): Promise<void> {
  const { databaseId, ownerId } = await readDocument(parts.db, id, scope);
  const cancelled = await parts.db.transaction(
    async (em) => {
      if (databaseId !== null) await lockCounter(em, databaseId, ownerId);
      const document = await lockDocument(em, id, scope);
      if (document.state === 'DELETED') return [];
      if (document.databaseId != null) await countDocuments(em, document.databaseId, -1);
      return buryDocument(em, document);
    },
    { signal },
  );
  for (const jobId of cancelled) parts.bus.changed(jobId);
  if (databaseId !== null) await pushCounts(parts, databaseId);
  await removeRecords(parts, AbortSignal.timeout(WAIT_MS_MAX), id).catch((error: unknown) => {
    parts.logger.warn({ err: error, documentId: id }, 'records of a deleted document not removed yet');
  });
  parts.bus.untidy();
}

/** Marks a locked document as deleted and buries its passages; returns the jobs that this cancelled. */
async function buryDocument(em: Em, document: Document): Promise<string[]> {
  document.state = nextDocumentState(document.state, 'delete');
  const cancelled = await cancelOpenJobs(em, document, 'The document was deleted');
  const versions = await query<{ id: string }>(
    em,
    'select id from documents.document_versions where document_id = $1',
    [document.id],
  );
  for (const { id } of versions) await discardVersion(em, document, id, false);
  document.activeVersionId = null;
  document.chunkCount = 0;
  setFailure(document, null);
  return cancelled;
}
