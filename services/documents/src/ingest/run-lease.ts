import { reasonOf } from '@morag/errors';
import type { Logger } from '@morag/telemetry';
import type { JobBus } from '../modules/job/job.bus.ts';
import { type AttemptEnd, endAttempt, type Lease, leaseLost, renewLease } from '../modules/job/lease.store.ts';
import { endAfter, toFailure } from './failure.ts';
import { type IngestParts, ingestDocument } from './ingest-document.ts';
import { type JobQueue, RESUMED } from './job-queue.ts';

/** What a worker needs to do a job that it holds. */
export interface RunParts extends IngestParts {
  readonly queue: JobQueue;
  readonly bus: JobBus;
  readonly logger: Logger;
}

/** How long a lease lasts without a sign of life: after a death the job waits no longer than this. */
export const LEASE_SECONDS = 12;
const HEARTBEAT_MS = 3_000;

/** Does a job and ends its attempt, whatever happens. When the service stops, the job is handed back. */
export async function runLease(parts: RunParts, lease: Lease, stopping: AbortSignal): Promise<void> {
  const { bus, logger } = parts;
  const lost = new AbortController();
  const keepAlive = keepLease(parts, lease, lost);
  const log = logger.child({ jobId: lease.jobId, documentId: lease.documentId, attempt: lease.attempt });
  bus.changed(lease.jobId);
  try {
    await ingestDocument(parts, lease, AbortSignal.any([stopping, lost.signal]));
    log.info('document ingested');
    bus.untidy();
  } catch (error) {
    if (reasonOf(error) === 'LEASE_LOST' || lost.signal.aborted) {
      log.info('job taken away');
    } else if (stopping.aborted) {
      await end(parts, lease, { next: 'defer', delaySeconds: 0 });
      log.info('job handed back');
    } else {
      const failure = toFailure(error);
      log.warn({ err: error, reason: failure.reason }, 'attempt failed');
      await end(parts, lease, endAfter(failure, lease.failedCount));
    }
  } finally {
    keepAlive.stop();
    bus.changed(lease.jobId);
  }
}

async function end({ db, queue }: RunParts, lease: Lease, outcome: AttemptEnd): Promise<void> {
  await db.transaction(async (em) => {
    const ended = await endAttempt(em, lease, outcome);
    if (ended && outcome.next === 'defer') {
      const priority = outcome.failure ? 0 : RESUMED;
      await queue.send(em, lease.jobId, { delaySeconds: outcome.delaySeconds, priority });
    }
  });
}

/**
 * Renews the lease, and aborts the work when it is lost: because the row says so, or because PostgreSQL has not answered for
 * so long that another worker may have it.
 */
function keepLease({ db, bus }: RunParts, lease: Lease, lost: AbortController): { stop(): void } {
  let heldUntil = Date.now() + LEASE_SECONDS * 1000;
  const renew = async (): Promise<void> => {
    const askedAt = Date.now();
    const holds = await renewLease(db, lease, LEASE_SECONDS).catch(() => undefined);
    if (holds) heldUntil = askedAt + LEASE_SECONDS * 1000;
    if (holds === false || (holds === undefined && Date.now() >= heldUntil)) lost.abort(leaseLost(lease.jobId));
  };
  const timer = setInterval(() => void renew(), HEARTBEAT_MS);
  // Its own changes come this way too; asking once more does no harm, and a cancelled job stops at once.
  let asked: NodeJS.Timeout | undefined;
  const unsubscribe = bus.onChanged(lease.jobId, () => {
    asked ??= setTimeout(() => {
      asked = undefined;
      void renew();
    }, CANCEL_CHECK_MS);
  });
  return {
    stop() {
      clearInterval(timer);
      clearTimeout(asked);
      unsubscribe();
    },
  };
}

const CANCEL_CHECK_MS = 20;
