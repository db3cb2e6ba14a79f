import type { Logger } from '@morag/telemetry';
import type { Instance } from '../../instance.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { Appliers } from '../log/appliers.ts';
import type { Fillers } from './fillers.ts';
import type { PlacementStore } from './placement.store.ts';
import type { DrainedPlacement, ReplicaStore } from './replica.store.ts';

/** Removes placements that were taken out of use, with their collections. */
export interface PlacementRemover {
  /**
   * Deletes the collection and forgets the placement. Rejects while the server is away, and while another instance may
   * have a request to it under way, which would make the collection anew or write to it. `isEmpty`: nothing was ever
   * written to the database, so that records in a collection would be somebody else's. Each request is bounded in time;
   * `signal` cuts it off.
   */
  remove(placement: DrainedPlacement, isEmpty: boolean, signal?: AbortSignal): Promise<void>;
  /** Removes what is left of a replica now if its server answers soon, else later. Never rejects. */
  tryRemove(placementId: string): Promise<void>;
  /** Removes what is left of replicas, of those that can be removed now. */
  sweep(signal: AbortSignal): Promise<void>;
}

/** See createPlacementRemover. */
export interface PlacementRemoverDeps {
  readonly instance: Instance;
  readonly pool: Pick<ConnectorPool, 'use'>;
  readonly appliers: Pick<Appliers, 'stopOne'>;
  readonly fillers: Pick<Fillers, 'stopOne'>;
  readonly placements: Pick<PlacementStore, 'removePlacement'>;
  readonly replicas: Pick<ReplicaStore, 'drained' | 'postpone'>;
  readonly logger: Logger;
}

const SERVER_TIMEOUT_MS = 5_000;
const SWEEP_MAX = 20;

/** Creates the remover. */
export function createPlacementRemover(deps: PlacementRemoverDeps): PlacementRemover {
  const { instance, pool, appliers, fillers, placements, replicas, logger } = deps;

  const remove = async (placement: DrainedPlacement, isEmpty: boolean, signal?: AbortSignal): Promise<void> => {
    const { id, serverId, revision, collection, isWritten, holder } = placement;
    await Promise.all([appliers.stopOne(id), fillers.stopOne(id)]);
    if (holder !== null && holder !== instance.id && !instance.isDead(holder)) throw new StillHeld();
    await pool.use({ serverId, revision }, async (connector) => {
      const options = { timeoutMs: SERVER_TIMEOUT_MS, ...(signal && { signal }) };
      const isForeign =
        (isEmpty || !isWritten) &&
        (await connector.collectionExists(collection, options)) &&
        (await connector.count(collection, undefined, options)) > 0;
      if (!isForeign) await connector.deleteCollection(collection, { ifExists: true }, options);
    });
    await placements.removePlacement(id);
  };

  const removeOrPostpone = async (placement: DrainedPlacement, signal?: AbortSignal): Promise<void> => {
    try {
      await remove(placement, false, signal);
    } catch (error) {
      logger.info({ err: error, placementId: placement.id }, 'the collection of a replica is removed later');
      await replicas.postpone(placement.id).catch(() => {});
    }
  };

  return {
    remove,
    async tryRemove(placementId) {
      try {
        for (const placement of await replicas.drained(1, placementId)) await removeOrPostpone(placement);
      } catch (error) {
        logger.info({ err: error, placementId }, 'the collection of a replica is removed later');
      }
    },
    async sweep(signal) {
      for (const placement of await replicas.drained(SWEEP_MAX)) {
        if (signal.aborted) return;
        await removeOrPostpone(placement, signal);
      }
    },
  };
}

/** Another instance has not noticed yet that the placement is out of use. */
class StillHeld extends Error {
  override readonly name = 'StillHeld';
  override readonly message = 'another instance may have a request to it under way';
}
