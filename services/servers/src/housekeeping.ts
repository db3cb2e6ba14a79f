import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';

const SWEEP_MS = 15_000;

/** Something that finishes what was put off. */
export interface Sweeper {
  sweep(signal: AbortSignal): Promise<void>;
}

/** Finishes, again and again, what could not be finished at once. */
export function createHousekeeping({ removers, logger }: { removers: readonly Sweeper[]; logger: Logger }) {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      for (const remover of removers) {
        await remover
          .sweep(stopping.signal)
          .catch((error: unknown) => logger.debug({ err: error }, 'housekeeping was put off'));
      }
      await sleep(SWEEP_MS * (0.5 + Math.random()), undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  };

  return {
    start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
