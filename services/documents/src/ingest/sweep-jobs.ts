import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type { JobBus } from '../modules/job/job.bus.ts';
import { endAttempt, forgottenJobs, type OrphanedJob, orphanedJobs } from '../modules/job/lease.store.ts';
import { endAfterLoss } from './failure.ts';
import { type JobQueue, RESUMED } from './job-queue.ts';

/** What sweeping needs. */
export interface SweepParts {
  readonly db: Database;
  readonly queue: JobQueue;
  readonly bus: JobBus;
  readonly logger: Logger;
}

const AT_ONCE = 100;
/** Which jobs count as forgotten. */
export interface ForgottenBounds {
  readonly waitedSeconds: number;
  readonly limit: number;
}

/** Frees the jobs of dead workers, so that others take them up. One that cannot be freed now does not keep the others. */
export async function freeOrphanedJobs(parts: SweepParts, signal: AbortSignal): Promise<void> {
  for (const job of await orphanedJobs(parts.db, AT_ONCE)) {
    signal.throwIfAborted();
    await freeJob(parts, job).catch((error: unknown) => {
      parts.logger.warn({ err: error, jobId: job.jobId }, 'job of a dead worker not freed yet');
    });
  }
}

async function freeJob({ db, queue, bus }: SweepParts, { jobId, documentId, lostCount }: OrphanedJob): Promise<void> {
  const end = endAfterLoss(lostCount);
  await db.transaction(async (em) => {
    const ended = await endAttempt(em, { jobId, documentId, fencingToken: null }, end);
    if (ended && end.next === 'defer') await queue.send(em, jobId, { priority: RESUMED });
  });
  bus.changed(jobId);
  bus.ready();
}

/**
 * Sends tickets for jobs that have waited suspiciously long: theirs may have died with whoever took it. A ticket too many
 * does no harm.
 */
export async function remindForgottenJobs({ db, queue, bus }: SweepParts, bounds: ForgottenBounds): Promise<void> {
  const forgotten = await forgottenJobs(db, bounds.waitedSeconds, bounds.limit);
  if (forgotten.length === 0) return;
  await db.transaction(async (em) => {
    for (const jobId of forgotten) await queue.send(em, jobId);
  });
  bus.ready();
}
