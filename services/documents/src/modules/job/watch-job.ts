import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@morag/orm';
import type { Scope } from '../document/document.store.ts';
import type { JobBus } from './job.bus.ts';
import { hasEnded } from './job.state.ts';
import { readJob } from './job.store.ts';
import type { JobView } from './job.view.ts';

/** What watching needs. */
export interface WatchParts {
  readonly db: Database;
  readonly bus: JobBus;
}

/** Changes made by this process are heard at once; those of another instance are seen this often. */
const POLL_MS = 500;

/** The job as it is, then after each change, until it has ended. Changes in quick succession come as one. */
export async function* watchJob(
  { db, bus }: WatchParts,
  id: string,
  scope: Scope,
  signal: AbortSignal,
): AsyncGenerator<JobView> {
  let changed = new AbortController();
  const unsubscribe = bus.onChanged(id, () => changed.abort());
  try {
    for (let seen = -1; ; ) {
      signal.throwIfAborted();
      changed = new AbortController();
      const job = await readJob(db, id, scope);
      if (job.version !== seen) yield job;
      if (hasEnded(job.status)) return;
      seen = job.version;
      const wake = AbortSignal.any([changed.signal, signal]);
      await sleep(POLL_MS, undefined, { signal: wake, ref: false }).catch(() => {});
    }
  } finally {
    unsubscribe();
  }
}
