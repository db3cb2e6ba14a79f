import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { DatabaseDirectory } from '../database/database-directory.ts';
import type { Appliers } from '../log/appliers.ts';
import type { WindBackStore } from './wind-back.store.ts';

/** Winds placements back whose server has stopped in a way that may have cost what it confirmed. */
export interface ReturnedServers {
  /** The server was seen to stop, or was found after it had. */
  doubt(serverId: string): void;
  stop(): Promise<void>;
}

/** See createReturnedServers. */
export interface ReturnedServersDeps {
  readonly store: WindBackStore;
  readonly directory: Pick<DatabaseDirectory, 'forget'>;
  readonly appliers: Pick<Appliers, 'ensure'>;
  readonly logger: Logger;
}

const RETRY_MS = 1_000;

/** Creates it. While PostgreSQL is away, what is to be wound back is remembered. */
export function createReturnedServers({ store, directory, appliers, logger }: ReturnedServersDeps): ReturnedServers {
  const stopping = new AbortController();
  const pending = new Set<string>();
  let working: Promise<void> | undefined;

  const windBack = async (serverId: string): Promise<void> => {
    for (const { placementId, databaseId } of await store.windBack(serverId)) {
      logger.warn({ serverId, placementId }, 'a placement is wound back: its server may have lost what it confirmed');
      directory.forget(databaseId);
      appliers.ensure({ id: placementId, databaseId });
    }
    pending.delete(serverId);
  };
  const work = async (): Promise<void> => {
    while (pending.size > 0 && !stopping.signal.aborted) {
      try {
        for (const serverId of pending) await windBack(serverId);
      } catch (error) {
        logger.debug({ err: error }, 'placements could not be wound back now');
        await sleep(RETRY_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      }
    }
  };

  return {
    doubt(serverId) {
      pending.add(serverId);
      working ??= work().finally(() => {
        working = undefined;
      });
    },
    async stop() {
      stopping.abort();
      await working;
    },
  };
}
