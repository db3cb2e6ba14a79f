import { DomainError } from '@morag/errors';
import type { Em } from '@morag/orm';
import type { JobQueue } from '../../ingest/job-queue.ts';
import type { Document } from '../document/document.entity.ts';
import { findVersion, setFailure } from '../document/document.store.ts';
import { holdQuotas, type QuotaLimits } from '../quota/document-quotas.ts';
import type { Job } from './job.entity.ts';
import { nextJobStatus } from './job.state.ts';

/** What requeueJob needs. */
export interface RequeueParts {
  readonly queue: JobQueue;
  readonly quotas: QuotaLimits;
}

/**
 * Lets a job that failed or was cancelled be tried again. Document and job are locked. What the job had finished is still
 * there after a failure, and the next attempt goes on from it. INVALID_JOB_STATUS for a job that has not failed, or whose
 * document has a newer version or no database any more.
 */
export async function requeueJob(em: Em, { queue, quotas }: RequeueParts, document: Document, job: Job): Promise<void> {
  const status = nextJobStatus(job.status, 'retry');
  if (document.databaseId == null) throw notNow('The database of the document is gone.');
  if (document.latestVersion !== job.documentVersion) throw notNow('A newer version of the document was uploaded.');
  if (document.state !== 'PENDING') throw notNow(`The document is ${document.state}.`);
  await holdQuotas(em, quotas, job.ownerId, { jobs: 1 });
  Object.assign(job, {
    status,
    percentage: 0,
    stage: 'STAGE_UNSPECIFIED',
    summary: 'Waits for a worker',
    failedCount: 0,
    lostCount: 0,
    failureReason: null,
    failureDetail: null,
    endedAt: null,
    nextAttemptAt: null,
    fencingToken: job.fencingToken + 1n,
  } satisfies Partial<Job>);
  (await findVersion(em, document.id, job.documentVersion)).state = 'BUILDING';
  setFailure(document, null);
  await queue.send(em, job.id, { priority: job.priority });
}

function notNow(message: string): DomainError {
  return new DomainError('INVALID_JOB_STATUS', message);
}
