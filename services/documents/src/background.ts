import { GARBAGE_AGE_MS } from './blobs/blob-store.ts';
import { collectGarbage } from './blobs/collect-garbage.ts';
import { expireDeadLeases, LEASE_OWNER } from './ingest/owner.ts';
import type { RunParts } from './ingest/run-lease.ts';
import { freeOrphanedJobs, remindForgottenJobs } from './ingest/sweep-jobs.ts';
import { createWorkers } from './ingest/workers.ts';
import { createLoop } from './loop.ts';
import { pushCounts } from './modules/count/push-counts.ts';
import { unreferencedContents } from './modules/document/document.store.ts';
import { removeRecords } from './modules/document/remove-records.ts';

/** What runs beside the calls. */
export interface Background {
  start(): Promise<void>;
  /** Hands back running jobs and ends everything. */
  stop(): Promise<void>;
}

/** Jobs at a time: while one embeds, others are read or written, and small ones need not wait for a few large ones. */
const WORKERS = 4;
const ORPHANS_MS = 2_000;
const FORGOTTEN_MS = 15_000;
/** Waiting behind others looks the same as being forgotten, so only a few at a time. */
const FORGOTTEN = { waitedSeconds: 30, limit: 20 } as const;
/** Whatever waits when a process starts may have lost its ticket with the process before. */
const FORGOTTEN_AT_START = { waitedSeconds: 0, limit: 1_000 } as const;
const TIDY_MS = 5_000;
/** Far longer than an upload may pause, so that a file that has not grown for this long belongs to one that died. */
const STAGING_AGE_MS = 15 * 60_000;
const GARBAGE_MS = 3_600_000;

/** Workers, and the loops that make up for what was left undone by a crash or by a service that was away. */
export function createBackground(parts: RunParts, workerCount: number = WORKERS): Background {
  const { db, blobs, queue, bus, logger } = parts;
  const workers = createWorkers(parts, { count: workerCount, owner: LEASE_OWNER });
  const tidy = createLoop({
    name: 'tidy',
    intervalMs: TIDY_MS,
    logger,
    async work(signal) {
      await pushCounts(parts);
      await removeRecords(parts, signal);
    },
  });
  const loops = [
    tidy,
    createLoop({ name: 'orphans', intervalMs: ORPHANS_MS, logger, work: (signal) => freeOrphanedJobs(parts, signal) }),
    createLoop({
      name: 'forgotten',
      intervalMs: FORGOTTEN_MS,
      logger,
      work: () => remindForgottenJobs(parts, FORGOTTEN),
    }),
    createLoop({
      name: 'staging',
      intervalMs: STAGING_AGE_MS,
      logger,
      async work() {
        await blobs.sweep(new Date(Date.now() - STAGING_AGE_MS));
      },
    }),
    createLoop({
      name: 'garbage',
      intervalMs: GARBAGE_MS,
      logger,
      async work(signal) {
        const cutoff = new Date(Date.now() - GARBAGE_AGE_MS);
        await collectGarbage({ blobs, unreferenced: (hashes) => unreferencedContents(db, hashes) }, cutoff, signal);
      },
    }),
  ];
  const unsubscribe = bus.onUntidy(() => tidy.nudge());
  return {
    async start() {
      await queue.start();
      const freed = await expireDeadLeases(db);
      if (freed > 0) logger.info({ jobs: freed }, 'jobs of dead workers are taken up');
      await remindForgottenJobs(parts, FORGOTTEN_AT_START);
      for (const loop of loops) loop.start();
      workers.start();
    },
    async stop() {
      unsubscribe();
      await workers.stop();
      await Promise.all(loops.map((loop) => loop.stop()));
      await queue.stop();
    },
  };
}
