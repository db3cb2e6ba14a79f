import type { Em } from '@morag/orm';
import { removeVersion } from '../../search/lexical.store.ts';
import { ACTING_SECONDS } from '../../servers/servers.port.ts';
import { sqlOf } from '../../sql.ts';
import { buryChunks, hasChunks } from '../document/chunk.store.ts';
import type { Document } from '../document/document.entity.ts';
import { findVersion } from '../document/document.store.ts';
import type { Job } from './job.entity.ts';
import { nextJobStatus } from './job.state.ts';
import { lockOpenJobs } from './job.store.ts';
import { announceEnd } from './job-ended.ts';
import { closeAttempt } from './lease.store.ts';

/**
 * Cancels one job of a locked document: whatever its worker does from now on is refused, and what it has written
 * disappears. A job that was cancelled before stays as it is; one that has ended otherwise is INVALID_JOB_STATUS.
 */
export async function cancelJobOf(em: Em, document: Document, job: Job, summary: string): Promise<void> {
  const status = nextJobStatus(job.status, 'cancel');
  if (job.status === status) return;
  const wasRunning = job.status === 'PROCESSING';
  Object.assign(job, {
    status,
    summary,
    fencingToken: job.fencingToken + 1n,
    leaseOwner: null,
    leaseUntil: null,
    nextAttemptAt: null,
    endedAt: new Date(),
  } satisfies Partial<Job>);
  await closeAttempt(em, job.id, { reason: 'CANCELLED', detail: summary });
  const version = await findVersion(em, document.id, job.documentVersion);
  version.state = 'FAILED';
  await discardVersion(em, document, version.id, wasRunning);
  await announceEnd(em, [job.id]);
}

/** Cancels all jobs of a locked document that have not ended; returns their ids. */
export async function cancelOpenJobs(em: Em, document: Document, summary: string): Promise<string[]> {
  const jobs = await lockOpenJobs(em, document.id);
  for (const job of jobs) await cancelJobOf(em, document, job, summary);
  return jobs.map(({ id }) => id);
}

/**
 * Removes the passages of a version of a locked document from everywhere. `beingWritten`: a worker may write records for as
 * long as its token is good, so they are buried only after that.
 */
export async function discardVersion(
  em: Em,
  document: Document,
  versionId: string,
  beingWritten: boolean,
): Promise<void> {
  const { id: documentId, ownerId, databaseId } = document;
  if (databaseId == null || !(await hasChunks(em, versionId))) return;
  await removeVersion(sqlOf(em), { databaseId, versionId });
  await buryChunks(em, { documentId, versionId, ownerId, databaseId }, beingWritten ? ACTING_SECONDS : 0);
}
