import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';

/** Work that comes back for as long as the service runs. */
export interface Loop {
  start(): void;
  /** Runs it now, or once more if it is running. */
  nudge(): void;
  /** Aborts a run that is under way and waits for it. */
  stop(): Promise<void>;
}

/** See createLoop. */
export interface LoopOptions {
  readonly name: string;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly work: (signal: AbortSignal) => Promise<void>;
}

/** Runs `work` at an interval, never twice at once. A run that fails is logged; the next comes all the same. */
export function createLoop({ name, intervalMs, logger, work }: LoopOptions): Loop {
  const stopping = new AbortController();
  let wake = new AbortController();
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      wake = new AbortController();
      try {
        await work(stopping.signal);
      } catch (error) {
        if (!stopping.signal.aborted) logger.warn({ err: error, loop: name }, 'run failed');
      }
      const signal = AbortSignal.any([wake.signal, stopping.signal]);
      await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => {});
    }
  };

  return {
    start() {
      running ??= run();
    },
    nudge: () => wake.abort(),
    async stop() {
      stopping.abort(new Error('the service stops'));
      await running;
    },
  };
}
