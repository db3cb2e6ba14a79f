import { newId, type Database as Orm } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type pg from 'pg';
import { type ConnectorPool, createConnectorPool } from './modules/connector/connector-pool.ts';
import type { Vendors } from './modules/connector/vendors.ts';
import { createDatabaseDirectory, type DatabaseDirectory } from './modules/database/database-directory.ts';
import type { DatabaseView } from './modules/database/database-view.ts';
import type { ApplierPlacement } from './modules/log/applier.ts';
import { type Appliers, createAppliers } from './modules/log/appliers.ts';
import { createLogWriter, databaseNotFound, type LogWriter } from './modules/log/group-commit.ts';
import { createLeaseStore } from './modules/log/lease.store.ts';
import { createLogKeeper } from './modules/log/log-keeper.ts';
import { createMutationStore } from './modules/log/mutation.store.ts';
import { createSequenceBoard, type SequenceBoard } from './modules/log/sequence-board.ts';
import { createWakeBus } from './modules/log/wake-bus.ts';
import type { PlacementStore } from './modules/placement/placement.store.ts';
import { createReadRouter, type ReadRouter } from './modules/record/read-router.ts';
import { createWriteConfirmation, type WriteConfirmation } from './modules/record/write-confirmation.ts';
import type { Server } from './modules/server/server.ts';
import type { Secrets } from './modules/server/server-secrets.ts';
import type { DataPlaneSettings } from './settings.ts';

/** What the way of a record goes through, from the log to the servers and back. */
export interface DataPlane {
  readonly pool: ConnectorPool;
  readonly board: SequenceBoard;
  readonly directory: DatabaseDirectory;
  readonly appliers: Appliers;
  readonly log: LogWriter;
  readonly confirmation: WriteConfirmation;
  readonly router: ReadRouter;
  start(): void;
  stop(): Promise<void>;
}

/** See buildDataPlane. */
export interface DataPlaneDeps {
  readonly db: Orm;
  /** A connection outside the pool, to listen on. */
  readonly connect: () => Promise<pg.Client>;
  readonly placements: PlacementStore;
  /** A server and its secrets, as they are now. */
  readonly findServer: (serverId: string) => Promise<{ readonly server: Server; readonly secrets: Secrets }>;
  readonly vendors: Vendors;
  readonly logger: Logger;
  readonly settings: DataPlaneSettings;
}

/** Builds it. One instance of the service holds one; any number of instances share the work. */
export function buildDataPlane(deps: DataPlaneDeps): DataPlane {
  const { db, logger, settings } = deps;
  const now = (): number => performance.now();
  const random = Math.random;
  const board = createSequenceBoard();
  const leases = createLeaseStore(db);
  const mutations = createMutationStore(db);
  const wakeBus = createWakeBus({ db, connect: deps.connect, logger });
  const pool = createConnectorPool({
    now,
    logger,
    open: async (serverId) => {
      const { server, secrets } = await deps.findServer(serverId);
      return { connector: await deps.vendors.open(server, secrets), revision: server.revision };
    },
  });
  const directory = createDatabaseDirectory({
    now,
    load: (databaseId) => deps.placements.view(databaseId),
    onLoaded: (view) => {
      board.sawHead(view.id, view.headSequence);
      for (const placement of view.placements) board.sawApplied(placement.id, placement.appliedSequence);
    },
  });
  const appliers = createAppliers({
    instanceId: newId(),
    log: mutations,
    leases,
    board,
    now,
    random,
    logger,
    settings: settings.applier,
    withTarget: async ({ id, databaseId }, use) => {
      const placement = (await directory.find(databaseId))?.placements.find((candidate) => candidate.id === id);
      if (!placement) throw databaseNotFound(databaseId);
      return pool.use(placement, (connector) => use(connector, placement.collection));
    },
    onRefused: (placementId, refusals) => confirmation.noteRefused(placementId, refusals),
    wakeHolder: (placementId) => wakeBus.send(placementId),
  });
  const confirmation = createWriteConfirmation({
    board,
    nudge: (view) => {
      for (const placement of view.placements) appliers.ensure(toApplierPlacement(placement));
    },
  });
  const log = createLogWriter({
    store: mutations,
    onAppended: (databaseId, entries) => {
      board.sawHead(databaseId, entries.at(-1)?.sequence ?? 0);
      // A view that is gone from memory costs a read of the log, when the writer nudges.
      for (const placement of directory.peek(databaseId)?.placements ?? []) {
        appliers.submit(toApplierPlacement(placement), entries);
      }
    },
  });
  const keeper = createLogKeeper({
    leases,
    log: mutations,
    board,
    appliers,
    random,
    logger,
    settings: settings.keeper,
  });

  return {
    pool,
    board,
    directory,
    appliers,
    log,
    confirmation,
    router: createReadRouter({ pool, board }),
    start() {
      wakeBus.start((placementId) => appliers.wake(placementId));
      keeper.start();
    },
    async stop() {
      await Promise.all([keeper.stop(), wakeBus.stop(), appliers.stop()]);
      await pool.stop();
    },
  };
}

function toApplierPlacement({ id, databaseId }: DatabaseView['primary']): ApplierPlacement {
  return { id, databaseId };
}
