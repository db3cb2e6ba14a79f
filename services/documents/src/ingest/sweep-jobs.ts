import type { Database } from '@morag/orm';
import type { JobBus } from '../modules/job/job.bus.ts';
import { endAttempt, forgottenJobs, orphanedJobs } from '../modules/job/lease.store.ts';
import { endAfterLoss } from './failure.ts';
import type { JobQueue } from './job-queue.ts';

/** What sweeping needs. */
export interface SweepParts {
  readonly db: Database;
  readonly queue: JobQueue;
  readonly bus: JobBus;
}

const AT_ONCE = 100;
/** Longer than any ticket is under way; a second ticket does no harm. */
const FORGOTTEN_SECONDS = 60;
const FORGOTTEN_AT_ONCE = 20;

/** Frees the jobs of dead workers, so that others take them up. */
export async function freeOrphanedJobs({ db, queue, bus }: SweepParts, signal: AbortSignal): Promise<void> {
  for (const { jobId, documentId, lostCount } of await orphanedJobs(db, AT_ONCE)) {
    signal.throwIfAborted();
    const end = endAfterLoss(lostCount);
    await db.transaction(async (em) => {
      const ended = await endAttempt(em, { jobId, documentId, fencingToken: null }, end);
      if (ended && end.next === 'defer') await queue.send(em, jobId);
    });
    bus.changed(jobId);
    bus.ready();
  }
}

/** Sends tickets for jobs that have waited suspiciously long: the queue may have lost theirs. */
export async function remindForgottenJobs({ db, queue, bus }: SweepParts): Promise<void> {
  const forgotten = await forgottenJobs(db, FORGOTTEN_SECONDS, FORGOTTEN_AT_ONCE);
  if (forgotten.length === 0) return;
  await db.transaction(async (em) => {
    for (const jobId of forgotten) await queue.send(em, jobId);
  });
  bus.ready();
}
