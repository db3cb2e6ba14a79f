import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { PlacementStore, Remains } from '../placement/placement.store.ts';
import type { PlacementRemover } from '../placement/remove-placement.ts';
import type { DatabaseDirectory } from './database-directory.ts';

/** Removes what deleted databases leave behind. */
export interface DatabaseRemover {
  /**
   * Removes it now if its servers answer soon, else later. While another instance may have a request to one of them under
   * way, that is waited for, for so long at most. Never rejects.
   */
  tryRemove(databaseId: string, patienceMs?: number): Promise<void>;
  /** Gives up databases whose making was cut off, and removes what is left of deleted ones. */
  sweep(signal: AbortSignal): Promise<void>;
}

/** See createDatabaseRemover. */
export interface DatabaseRemoverDeps {
  readonly placements: PlacementStore;
  readonly placementRemover: Pick<PlacementRemover, 'remove'>;
  /** Forgets what this process knows of a database and its placements. */
  readonly forget: (databaseId: string, placementIds: readonly string[]) => void;
  readonly directory: Pick<DatabaseDirectory, 'forget'>;
  readonly logger: Logger;
}

const SWEEP_MAX = 20;
const POLL_MS = 250;

/** Creates the remover. */
export function createDatabaseRemover(deps: DatabaseRemoverDeps): DatabaseRemover {
  const { placements, placementRemover, directory, forget, logger } = deps;

  const remove = async ({ databaseId, isEmpty, placements: left }: Remains, signal?: AbortSignal): Promise<void> => {
    directory.forget(databaseId);
    const failures: unknown[] = [];
    // A server that is away keeps its collection for now, and no other one's.
    for (const placement of left) {
      signal?.throwIfAborted();
      await placementRemover.remove(placement, isEmpty, signal).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some of its collections cannot be removed now');
    const placementIds = left.map(({ id }) => id);
    forget(databaseId, placementIds);
    await placements.removeDatabase(databaseId);
  };

  const removeOrPostpone = async (remains: Remains, signal?: AbortSignal): Promise<void> => {
    const { databaseId } = remains;
    try {
      await remove(remains, signal);
    } catch (error) {
      logger.info({ err: error, databaseId }, 'what a deleted database left is removed later');
      await placements.postpone(databaseId).catch(() => {});
    }
  };

  return {
    async tryRemove(databaseId, patienceMs = 0) {
      try {
        for (const endsAtMs = performance.now() + patienceMs; ; await sleep(POLL_MS)) {
          const remains = await placements.remainsOf(databaseId);
          if (!remains) return;
          const isHeld = remains.placements.some(({ holder }) => holder !== null);
          await removeOrPostpone(remains);
          if (!isHeld || performance.now() >= endsAtMs) return;
        }
      } catch (error) {
        logger.info({ err: error, databaseId }, 'what a deleted database left is removed later');
      }
    },
    async sweep(signal) {
      await placements.condemn('abandoned');
      for (const remains of await placements.remains(SWEEP_MAX)) {
        if (signal.aborted) return;
        await removeOrPostpone(remains, signal);
      }
    },
  };
}
