import type { Logger } from '@morag/telemetry';
import type { DatabaseDirectory } from '../database/database-directory.ts';
import type { Appliers } from '../log/appliers.ts';
import { createBell } from '../log/bell.ts';
import type { WindBackStore } from './wind-back.store.ts';

/**
 * Winds placements back whose server has stopped in a way that may have cost what it confirmed. That it is due is stored
 * with the server's status, so that it outlives whoever has seen the stop: any instance does it.
 */
export interface ReturnedServers {
  /** Ends after a first look: nothing that was due before is read as if it were whole. */
  start(): Promise<void>;
  /** Something may be due. */
  look(): void;
  stop(): Promise<void>;
}

/** See createReturnedServers. */
export interface ReturnedServersDeps {
  readonly store: WindBackStore;
  readonly directory: Pick<DatabaseDirectory, 'forget'>;
  readonly appliers: Pick<Appliers, 'ensure'>;
  readonly logger: Logger;
}

/** How long what a dead instance has left is unknown to the others: less than a server takes to start. */
const LOOK_MS = 500;

/** Creates it. */
export function createReturnedServers({ store, directory, appliers, logger }: ReturnedServersDeps): ReturnedServers {
  const stopping = new AbortController();
  const bell = createBell();
  let running: Promise<void> | undefined;

  const windBack = async (): Promise<void> => {
    let due: number;
    do {
      const { servers, placements } = await store.windBackDue();
      due = servers;
      for (const { serverId, placementId, databaseId } of placements) {
        logger.warn({ serverId, placementId }, 'a placement is wound back: its server may have lost what it confirmed');
        directory.forget(databaseId);
        appliers.ensure({ id: placementId, databaseId });
      }
    } while (due > 0 && !stopping.signal.aborted);
  };
  const tryToWindBack = (): Promise<void> =>
    windBack().catch((error: unknown) => logger.debug({ err: error }, 'placements could not be wound back now'));
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await bell.wait(LOOK_MS, stopping.signal);
      await tryToWindBack();
    }
  };

  return {
    async start() {
      await tryToWindBack();
      running = run();
    },
    look: bell.ring,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
