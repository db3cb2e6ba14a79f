import { setTimeout as sleep } from 'node:timers/promises';
import { leaseJob } from '../modules/job/lease.store.ts';
import { LEASE_SECONDS, type RunParts, runLease } from './run-lease.ts';

/** The workers of one process. */
export interface Workers {
  start(): void;
  /** Takes nothing new, hands back what is being done, and waits for it. */
  stop(): Promise<void>;
}

/** See createWorkers. */
export interface WorkersOptions {
  /** Jobs at a time. */
  readonly count: number;
  /** Name under which this process leases jobs. */
  readonly owner: string;
}

/** Asked this often for jobs that another instance made ready; those of this one are announced. */
const POLL_MS = 1_000;

/** Takes jobs from the queue and does them, several at a time, until told to stop. */
export function createWorkers(parts: RunParts, { count, owner }: WorkersOptions): Workers {
  const stopping = new AbortController();
  let wake = new AbortController();
  const unsubscribe = parts.bus.onReady(() => {
    wake.abort();
    wake = new AbortController();
  });
  let running: Promise<unknown> | undefined;

  /** Does one job; says whether there was a ticket at all. */
  const doOne = async (): Promise<boolean> => {
    const ticket = await parts.queue.take();
    if (ticket === undefined) return false;
    const lease = await leaseJob(parts.db, ticket.jobId, { worker: owner, seconds: LEASE_SECONDS });
    await ticket.done();
    if (lease) await runLease(parts, lease, stopping.signal);
    return true;
  };

  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const idle = AbortSignal.any([wake.signal, stopping.signal]);
      const found = await doOne().catch((error: unknown) => {
        if (!stopping.signal.aborted) parts.logger.warn({ err: error }, 'worker failed');
        return false;
      });
      if (!found) await sleep(POLL_MS, undefined, { signal: idle, ref: false }).catch(() => {});
    }
  };

  return {
    start() {
      running ??= Promise.all(Array.from({ length: count }, work));
    },
    async stop() {
      unsubscribe();
      stopping.abort(new Error('the service stops'));
      await running;
    },
  };
}
