import type { Database as Orm } from '@morag/orm';
import type { Logger, Metrics } from '@morag/telemetry';
import type pg from 'pg';
import type { Instance } from './instance.ts';
import { type ConnectorPool, createConnectorPool } from './modules/connector/connector-pool.ts';
import type { Vendors } from './modules/connector/vendors.ts';
import { createDatabaseDirectory, type DatabaseDirectory } from './modules/database/database-directory.ts';
import type { ConnectionEventKind } from './modules/event/connection-event.ts';
import { createHealthBoard, type HealthBoard } from './modules/health/health-view.ts';
import { type Appliers, createAppliers } from './modules/log/appliers.ts';
import { createLogWriter, databaseNotFound, type LogWriter } from './modules/log/group-commit.ts';
import { createLagStore } from './modules/log/lag.store.ts';
import { createLagWatch } from './modules/log/lag-watch.ts';
import { createLeaseStore } from './modules/log/lease.store.ts';
import { createLogKeeper } from './modules/log/log-keeper.ts';
import { createLogMetrics, type LogObserver } from './modules/log/log-metrics.ts';
import { createMutationStore } from './modules/log/mutation.store.ts';
import { createSequenceBoard, type SequenceBoard } from './modules/log/sequence-board.ts';
import { createWakeBus } from './modules/log/wake-bus.ts';
import type { PlacementStore } from './modules/placement/placement.store.ts';
import { follows } from './modules/placement/placement.ts';
import { createWriteConfirmation, type WriteConfirmation } from './modules/record/write-confirmation.ts';
import { createHedgeBudget } from './modules/routing/hedge-budget.ts';
import { createLoadBoard } from './modules/routing/load-board.ts';
import { createReadMetrics } from './modules/routing/read-metrics.ts';
import { createReadRouter, type ReadRouter } from './modules/routing/read-router.ts';
import type { Server } from './modules/server/server.ts';
import type { Secrets } from './modules/server/server-secrets.ts';
import type { DataPlaneSettings } from './settings.ts';

/** What the way of a record goes through, from the log to the servers and back. */
export interface DataPlane {
  readonly health: HealthBoard;
  readonly pool: ConnectorPool;
  readonly board: SequenceBoard;
  readonly directory: DatabaseDirectory;
  readonly appliers: Appliers;
  readonly log: LogWriter;
  readonly confirmation: WriteConfirmation;
  readonly router: ReadRouter;
  readonly logObserver: LogObserver;
  /** The database is gone: forgets what this process knows of it. */
  forget(databaseId: string, placementIds: readonly string[]): void;
  start(): void;
  stop(): Promise<void>;
}

/** See buildDataPlane. */
export interface DataPlaneDeps {
  readonly db: Orm;
  readonly instance: Instance;
  /** A connection outside the pool, to listen on. */
  readonly connect: () => Promise<pg.Client>;
  readonly placements: PlacementStore;
  /** A server and its secrets, as they are now. */
  readonly findServer: (serverId: string) => Promise<{ readonly server: Server; readonly secrets: Secrets }>;
  readonly vendors: Vendors;
  /** Told what happens to connections. */
  readonly onConnection: (serverId: string, kind: ConnectionEventKind, detail?: string) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: DataPlaneSettings;
}

/** What is not lent to others: whatever measures time or decides by chance. */
interface Ground {
  readonly health: HealthBoard;
  readonly board: SequenceBoard;
  readonly pool: ConnectorPool;
  readonly directory: DatabaseDirectory;
  readonly logObserver: LogObserver;
  readonly now: () => number;
  readonly random: () => number;
}

/** Builds it. One instance of the service holds one; any number of instances share the work. */
export function buildDataPlane(deps: DataPlaneDeps): DataPlane {
  const ground = buildGround(deps);
  const { health, board, pool, directory, logObserver } = ground;
  const log = buildLog(deps, ground);
  const reads = buildReads(deps, ground);
  return {
    health,
    board,
    pool,
    directory,
    logObserver,
    appliers: log.appliers,
    log: log.writer,
    confirmation: log.confirmation,
    ...reads,
    start: log.start,
    async stop() {
      await log.stop();
      await pool.stop();
    },
  };
}

function buildGround({ logger, metrics, placements, vendors, findServer, onConnection }: DataPlaneDeps): Ground {
  const now = (): number => performance.now();
  const board = createSequenceBoard();
  const health = createHealthBoard({ now });
  health.onSuspect((serverId, { message }) => onConnection(serverId, 'FAILED', message));
  const pool = createConnectorPool({
    now,
    logger,
    report: health.report,
    onEvent: onConnection,
    open: async (serverId) => {
      const { server, secrets } = await findServer(serverId);
      return { connector: await vendors.open(server, secrets), revision: server.revision };
    },
  });
  const directory = createDatabaseDirectory({
    now,
    load: (databaseId) => placements.view(databaseId),
    onLoaded: (view) => {
      board.sawHead(view.id, view.headSequence);
      for (const placement of view.placements) board.sawApplied(placement.id, placement);
    },
  });
  return { health, board, pool, directory, logObserver: createLogMetrics(metrics), now, random: Math.random };
}

/** The way out: which placement answers. */
function buildReads({ metrics, settings }: DataPlaneDeps, ground: Ground): Pick<DataPlane, 'router' | 'forget'> {
  const { health, board, logObserver, now } = ground;
  const loads = createLoadBoard(now, settings.reads.loads);
  const observer = createReadMetrics(metrics);
  const router = createReadRouter({
    ...ground,
    loads,
    observer,
    hedges: createHedgeBudget(settings.reads.hedgeShare),
    isDown: (serverId) => health.isSuspect(serverId) || health.statusOf(serverId) === 'UNHEALTHY',
  });
  return {
    router,
    forget(databaseId, placementIds) {
      board.forget(databaseId, placementIds);
      loads.forget(placementIds);
      observer.forget(databaseId);
      logObserver.forget(databaseId);
    },
  };
}

/** The way in: the log, those who apply it, and those who keep it in order. */
function buildLog({ db, instance, connect, logger, settings }: DataPlaneDeps, ground: Ground) {
  const { board, pool, directory, logObserver } = ground;
  const leases = createLeaseStore(db, instance);
  const mutations = createMutationStore(db);
  const wakeBus = createWakeBus({ channel: 'morag_servers_log', db, connect, logger });
  const appliers = createAppliers({
    ...ground,
    log: mutations,
    leases,
    logger,
    settings: settings.applier,
    withTarget: async ({ id, databaseId }, use) => {
      const placement = (await directory.find(databaseId))?.placements.find((candidate) => candidate.id === id);
      if (!placement) throw databaseNotFound(databaseId);
      return pool.use(placement, (connector) => use(connector, placement.collection));
    },
    onApplied: ({ id, databaseId }, records, through) => {
      const placement = directory.peek(databaseId)?.placements.find((candidate) => candidate.id === id);
      if (placement) logObserver.applied(placement, records, Math.max(0, board.head(databaseId) - through));
    },
    onRefused: (placementId, refusals) => confirmation.noteRefused(placementId, refusals),
    wakeHolder: (placementId) => wakeBus.send(placementId),
  });
  const confirmation = createWriteConfirmation({
    board,
    find: (databaseId) => directory.find(databaseId),
    nudge: ({ placements }) => {
      for (const placement of placements.filter(follows)) appliers.ensure(placement);
    },
  });
  const writer = createLogWriter({
    store: mutations,
    onAppended: (databaseId, entries) => {
      board.sawHead(databaseId, entries.at(-1)?.sequence ?? 0);
      // A view that is gone from memory costs a read of the log, when the writer nudges.
      const following = (directory.peek(databaseId)?.placements ?? []).filter(follows);
      for (const placement of following) appliers.submit(placement, entries);
    },
  });
  const keeper = createLogKeeper({ ...ground, leases, log: mutations, appliers, logger, settings: settings.keeper });
  const lagWatch = createLagWatch({ ...ground, lags: createLagStore(db), logger });
  return {
    appliers,
    confirmation,
    writer,
    start() {
      wakeBus.start((placementId) => appliers.wake(placementId));
      keeper.start();
      lagWatch.start();
    },
    stop: () => Promise.all([lagWatch.stop(), keeper.stop(), wakeBus.stop(), appliers.stop()]),
  };
}
