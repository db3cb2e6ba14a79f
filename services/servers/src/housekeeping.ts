import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { DatabaseRemover } from './modules/database/remove-database.ts';

const SWEEP_MS = 15_000;

/** Finishes, again and again, what could not be finished at once. */
export function createHousekeeping({ remover, logger }: { remover: Pick<DatabaseRemover, 'sweep'>; logger: Logger }) {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await remover
        .sweep(stopping.signal)
        .catch((error: unknown) => logger.debug({ err: error }, 'housekeeping was put off'));
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
