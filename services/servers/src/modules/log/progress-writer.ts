import { setTimeout as sleep } from 'node:timers/promises';

/** Stores how far a placement is, behind the work itself: while one write is under way, newer progress gathers. */
export interface ProgressWriter {
  report(sequence: number): void;
  /** Resolves when everything reported is stored, or cannot be in a short time. */
  flush(): Promise<void>;
}

/** See createProgressWriter. */
export interface ProgressWriterDeps {
  /** Stores it; false when the lease is another's. May reject while PostgreSQL is away. */
  readonly store: (sequence: number) => Promise<boolean>;
  /** Aborts when there is no point in storing any more. */
  readonly signal: AbortSignal;
}

const RETRY_MS = 250;
const FLUSH_MS_MAX = 2_000;

/** Creates the writer. */
export function createProgressWriter({ store, signal }: ProgressWriterDeps): ProgressWriter {
  let reported = 0;
  let stored = 0;
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    while (stored < reported && !signal.aborted) {
      const sequence = reported;
      try {
        if (!(await store(sequence))) return;
        stored = sequence;
      } catch {
        // What is not stored is applied again after a restart, which does no harm.
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  };

  return {
    report(sequence) {
      reported = Math.max(reported, sequence);
      writing ??= write().finally(() => {
        writing = undefined;
      });
    },
    async flush() {
      await Promise.race([writing, sleep(FLUSH_MS_MAX, undefined, { ref: false })]);
    },
  };
}
