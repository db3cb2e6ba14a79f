import { type Database, type Em, query } from '@morag/orm';
import type { Document } from '../document/document.entity.ts';
import { nextDocumentState } from '../document/document.state.ts';
import { lockDocument, type Scope, setFailure } from '../document/document.store.ts';
import { cancelJobOf } from './end-jobs.ts';
import type { JobBus } from './job.bus.ts';
import type { Job } from './job.entity.ts';
import { jobNotFound, lockJob, readJob } from './job.store.ts';
import type { JobView } from './job.view.ts';
import { type RequeueParts, requeueJob } from './requeue-job.ts';

/** What changing a job needs. */
export interface ChangeJobParts extends RequeueParts {
  readonly db: Database;
  readonly bus: JobBus;
}

/** Ends a job for good; what it has written disappears, and the version that is searched stays. */
export async function cancelJob(
  parts: ChangeJobParts,
  id: string,
  scope: Scope,
  signal: AbortSignal,
): Promise<JobView> {
  await changeJob(parts, id, scope, signal, async (em, document, job) => {
    const wasOpen = job.status !== 'CANCELLED';
    await cancelJobOf(em, document, job, 'Cancelled');
    if (!wasOpen) return;
    document.state = nextDocumentState(document.state, 'interrupt');
    setFailure(document, { reason: 'CANCELLED', detail: 'The ingestion was cancelled.' });
  });
  parts.bus.untidy();
  return readJob(parts.db, id, scope);
}

/** Tries a failed or cancelled job again. */
export async function retryJob(parts: ChangeJobParts, id: string, scope: Scope, signal: AbortSignal): Promise<JobView> {
  await changeJob(parts, id, scope, signal, (em, document, job) => requeueJob(em, parts, document, job));
  parts.bus.ready();
  return readJob(parts.db, id, scope);
}

async function changeJob(
  parts: ChangeJobParts,
  id: string,
  { ownerId, databaseIds }: Scope,
  signal: AbortSignal,
  change: (em: Em, document: Document, job: Job) => Promise<void>,
): Promise<void> {
  await parts.db.transaction(
    async (em) => {
      const [found] = await query<{ documentId: string }>(
        em,
        `select document_id as "documentId" from documents.jobs
         where id = $1 and ($2::uuid is null or owner_id = $2) and ($3::uuid[] is null or database_id = any($3))`,
        [id, ownerId ?? null, databaseIds ?? null],
      );
      if (found === undefined) throw jobNotFound(id);
      // Always the document first: whoever takes both locks takes them in this order.
      const document = await lockDocument(em, found.documentId);
      await change(em, document, await lockJob(em, id));
    },
    { signal },
  );
  parts.bus.changed(id);
}
