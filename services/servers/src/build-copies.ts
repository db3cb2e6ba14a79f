import type { Database as Orm } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type { DataPlane } from './data-plane.ts';
import type { Instance } from './instance.ts';
import type { DatabaseStore } from './modules/database/database.store.ts';
import { createImportWork } from './modules/import/import-work.ts';
import { type ConsistencyTokens, createConsistencyTokens } from './modules/log/consistency-token.ts';
import { createLeaseStore } from './modules/log/lease.store.ts';
import { createMutationStore, type MutationStore } from './modules/log/mutation.store.ts';
import { createMoveWork } from './modules/move/move-work.ts';
import { createOperationStore, type OperationStore } from './modules/operation/operation.store.ts';
import { createOperationRunner, type OperationRunner } from './modules/operation/operation-runner.ts';
import { createCopyStore } from './modules/placement/copy.store.ts';
import { createFillers, type Fillers } from './modules/placement/fillers.ts';
import type { PlacementStore } from './modules/placement/placement.store.ts';
import { follows } from './modules/placement/placement.ts';
import { createQuarantineStore, type QuarantineStore } from './modules/placement/quarantine.store.ts';
import { createPlacementRemover, type PlacementRemover } from './modules/placement/remove-placement.ts';
import { createReplicaStore, type ReplicaStore } from './modules/placement/replica.store.ts';
import { createSwitchStore } from './modules/placement/switch.store.ts';
import { createSwitchPrimary, type SwitchPrimary } from './modules/placement/switch-primary.ts';
import type { RecordQuota } from './modules/quota/record-quota.ts';
import type { ServerStore } from './modules/server/server.store.ts';
import { createVerifyWork } from './modules/verify/verify-placements.ts';
import type { DataPlaneSettings } from './settings.ts';

/** What makes, fills, compares and removes the copies of databases, and the operations that do so. */
export interface Copies {
  readonly replicas: ReplicaStore;
  readonly fillers: Fillers;
  readonly placementRemover: PlacementRemover;
  readonly switchPrimary: SwitchPrimary;
  readonly tokens: ConsistencyTokens;
  readonly quarantine: QuarantineStore;
  readonly mutations: MutationStore;
  /** The log of a database has grown otherwise than by a caller's write. */
  readonly onGrown: (databaseId: string) => Promise<void>;
  readonly operations: OperationStore;
  readonly operationRunner: OperationRunner;
  /** A replica was added. */
  readonly onPlaced: (databaseId: string) => void;
}

/** See buildCopies. */
export interface CopiesDeps {
  readonly db: Orm;
  readonly instance: Instance;
  readonly databases: DatabaseStore;
  readonly servers: ServerStore;
  readonly placements: PlacementStore;
  /** Signs consistency tokens. */
  readonly tokenSecret: Buffer;
  readonly plane: Pick<DataPlane, 'pool' | 'appliers' | 'directory' | 'log' | 'logObserver' | 'confirmation'>;
  readonly recordQuota: RecordQuota;
  readonly logger: Logger;
  readonly settings: DataPlaneSettings;
}

/** Builds it. */
export function buildCopies(deps: CopiesDeps): Copies {
  const { db, instance, placements, plane, logger, settings } = deps;
  const { pool, appliers, directory, logObserver } = plane;
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
  const parts = {
    replicas,
    fillers,
    placementRemover: createPlacementRemover({ instance, pool, appliers, fillers, placements, replicas, logger }),
    switchPrimary: createSwitchPrimary({
      switches: createSwitchStore(db),
      appliers,
      directory,
      logObserver,
      now,
      logger,
    }),
    tokens: createConsistencyTokens(deps.tokenSecret),
    quarantine: createQuarantineStore(db),
    mutations: createMutationStore(db),
    onPlaced: (databaseId: string): void => {
      directory.forget(databaseId);
      fillers.wake();
    },
    onGrown: async (databaseId: string): Promise<void> => {
      const view = await directory.refresh(databaseId);
      for (const placement of view?.placements.filter(follows) ?? []) appliers.ensure(placement);
    },
  };
  return { ...parts, ...buildOperations(deps, parts) };
}

function buildOperations(
  { db, instance, databases, servers, placements, plane, recordQuota, logger, settings }: CopiesDeps,
  parts: Omit<Copies, 'operations' | 'operationRunner'>,
): Pick<Copies, 'operations' | 'operationRunner'> {
  const operations = createOperationStore(db, instance);
  const comparing = { pool: plane.pool, placements, log: parts.mutations, onGrown: parts.onGrown };
  const operationRunner = createOperationRunner({
    operations,
    works: {
      MOVE: createMoveWork({ ...comparing, ...parts, databases, settings: settings.move }),
      VERIFY: createVerifyWork(comparing),
      IMPORT: createImportWork({ ...plane, ...parts, databases, servers, recordQuota }),
    },
    logger,
    leaseTtlMs: settings.applier.leaseTtlMs,
    sweepMs: settings.keeper.sweepMs,
    retentionMs: settings.keeper.operationRetentionMs,
  });
  return { operations, operationRunner };
}
