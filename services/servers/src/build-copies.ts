import type { Database as Orm } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type { DataPlane } from './data-plane.ts';
import type { Instance } from './instance.ts';
import { createLeaseStore } from './modules/log/lease.store.ts';
import { createCopyStore } from './modules/placement/copy.store.ts';
import { createFillers, type Fillers } from './modules/placement/fillers.ts';
import type { PlacementStore } from './modules/placement/placement.store.ts';
import { createPlacementRemover, type PlacementRemover } from './modules/placement/remove-placement.ts';
import { createReplicaStore, type ReplicaStore } from './modules/placement/replica.store.ts';
import { createSwitchStore } from './modules/placement/switch.store.ts';
import { createSwitchPrimary, type SwitchPrimary } from './modules/placement/switch-primary.ts';
import type { DataPlaneSettings } from './settings.ts';

/** What makes, fills and removes the copies of databases. */
export interface Copies {
  readonly replicas: ReplicaStore;
  readonly fillers: Fillers;
  readonly placementRemover: PlacementRemover;
  readonly switchPrimary: SwitchPrimary;
  /** A replica was added. */
  readonly onPlaced: (databaseId: string) => void;
}

/** See buildCopies. */
export interface CopiesDeps {
  readonly db: Orm;
  readonly instance: Instance;
  readonly placements: PlacementStore;
  readonly plane: Pick<DataPlane, 'pool' | 'appliers' | 'directory'>;
  readonly logger: Logger;
  readonly settings: DataPlaneSettings;
}

/** Builds it. */
export function buildCopies({ db, instance, placements, plane, logger, settings }: CopiesDeps): Copies {
  const { pool, appliers, directory } = plane;
  const now = (): number => performance.now();
  const replicas = createReplicaStore(db);
  const fillers = createFillers({
    copies: createCopyStore(db, instance),
    leases: createLeaseStore(db, instance),
    pool,
    now,
    random: Math.random,
    logger,
    settings: { ...settings.fill, leaseTtlMs: settings.applier.leaseTtlMs },
    sweepMs: settings.keeper.sweepMs,
    onFilled: (placement) => {
      directory.forget(placement.databaseId);
      appliers.ensure(placement);
    },
  });
  return {
    replicas,
    fillers,
    placementRemover: createPlacementRemover({ instance, pool, appliers, fillers, placements, replicas, logger }),
    switchPrimary: createSwitchPrimary({ switches: createSwitchStore(db), appliers, directory, now, logger }),
    onPlaced: (databaseId) => {
      directory.forget(databaseId);
      fillers.wake();
    },
  };
}
