import type { Logger } from '@morag/telemetry';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { Appliers } from '../log/appliers.ts';
import type { PlacementStore, Remains } from '../placement/placement.store.ts';
import type { DatabaseDirectory } from './database-directory.ts';

/** Removes what deleted databases leave behind. */
export interface DatabaseRemover {
  /** Removes it now if its servers answer soon, else later. Never rejects. */
  tryRemove(databaseId: string): Promise<void>;
  /** Gives up databases whose making was cut off, and removes what is left of deleted ones. */
  sweep(signal: AbortSignal): Promise<void>;
}

/** See createDatabaseRemover. */
export interface DatabaseRemoverDeps {
  readonly placements: PlacementStore;
  readonly pool: Pick<ConnectorPool, 'use'>;
  readonly appliers: Pick<Appliers, 'stopOne'>;
  /** Forgets what this process knows of a database and its placements. */
  readonly forget: (databaseId: string, placementIds: readonly string[]) => void;
  readonly directory: Pick<DatabaseDirectory, 'forget'>;
  readonly logger: Logger;
}

const SERVER_TIMEOUT_MS = 5_000;
const SWEEP_MAX = 20;

/** Creates the remover. */
export function createDatabaseRemover(deps: DatabaseRemoverDeps): DatabaseRemover {
  const { placements, pool, appliers, directory, forget, logger } = deps;

  const remove = async ({ databaseId, isEmpty, placements: left }: Remains): Promise<void> => {
    directory.forget(databaseId);
    for (const { id, serverId, revision, collection } of left) {
      await appliers.stopOne(id);
      await pool.use({ serverId, revision }, async (connector) => {
        const options = { timeoutMs: SERVER_TIMEOUT_MS };
        // Nothing was ever written to an empty database: records in its collection would be somebody else's.
        const isForeign =
          isEmpty &&
          (await connector.collectionExists(collection, options)) &&
          (await connector.count(collection, undefined, options)) > 0;
        if (!isForeign) await connector.deleteCollection(collection, { ifExists: true }, options);
      });
      await placements.removePlacement(id);
    }
    const placementIds = left.map(({ id }) => id);
    forget(databaseId, placementIds);
    await placements.removeDatabase(databaseId);
  };

  const removeOrPostpone = async (remains: Remains): Promise<void> => {
    const { databaseId } = remains;
    try {
      await remove(remains);
    } catch (error) {
      logger.info({ err: error, databaseId }, 'what a deleted database left is removed later');
      await placements.postpone(databaseId).catch(() => {});
    }
  };

  return {
    async tryRemove(databaseId) {
      try {
        const remains = await placements.remainsOf(databaseId);
        if (remains) await removeOrPostpone(remains);
      } catch (error) {
        logger.info({ err: error, databaseId }, 'what a deleted database left is removed later');
      }
    },
    async sweep(signal) {
      await placements.condemn('abandoned');
      for (const remains of await placements.remains(SWEEP_MAX)) {
        if (signal.aborted) return;
        await removeOrPostpone(remains);
      }
    },
  };
}
