import { type Call, newCall } from '../../src/call.ts';
import { createConnectorPool } from '../../src/modules/connector/connector-pool.ts';
import { createDatabaseDirectory } from '../../src/modules/database/database-directory.ts';
import { createFailBackKeeper } from '../../src/modules/failover/fail-back-keeper.ts';
import { createFailoverKeeper } from '../../src/modules/failover/failover-keeper.ts';
import { createDueQueue } from '../../src/modules/health/due-queue.ts';
import { createHealthFleet } from '../../src/modules/health/health-fleet.ts';
import { createHealthMonitor } from '../../src/modules/health/health-monitor.ts';
import { healthSettings } from '../../src/modules/health/health-settings.ts';
import { createHealthBoard } from '../../src/modules/health/health-view.ts';
import { createHealthWriter } from '../../src/modules/health/health-writer.ts';
import { createAppliers } from '../../src/modules/log/appliers.ts';
import { createConsistencyTokens } from '../../src/modules/log/consistency-token.ts';
import { createLogWriter } from '../../src/modules/log/group-commit.ts';
import { createLogKeeper } from '../../src/modules/log/log-keeper.ts';
import { createSequenceBoard } from '../../src/modules/log/sequence-board.ts';
import { follows } from '../../src/modules/placement/placement.ts';
import { createReturnedServers } from '../../src/modules/placement/returned-servers.ts';
import { createSwitchPrimary } from '../../src/modules/placement/switch-primary.ts';
import type { RecordQuota } from '../../src/modules/quota/record-quota.ts';
import type { ReadRecordsDeps } from '../../src/modules/record/read-records.ts';
import { createWriteConfirmation } from '../../src/modules/record/write-confirmation.ts';
import type { WriteRecordsDeps } from '../../src/modules/record/write-records.ts';
import { createHedgeBudget } from '../../src/modules/routing/hedge-budget.ts';
import { createLoadBoard } from '../../src/modules/routing/load-board.ts';
import type { ReadObserver } from '../../src/modules/routing/read-metrics.ts';
import { createReadRouter } from '../../src/modules/routing/read-router.ts';
import { DATA_PLANE_SETTINGS } from '../../src/settings.ts';
import type { Mutant } from './mutants.ts';
import { type Link, overNetwork } from './network.ts';
import { SILENT } from './silent-logger.ts';
import type { SimulatedPostgres, Stores } from './simulated-postgres.ts';
import type { SimulatedServer } from './simulated-server.ts';

/** One process of the service: the real parts, on stores, servers and a network that are simulated. */
export interface SimulatedInstance {
  readonly link: Link;
  /** It may be called: what was due to be wound back when it started is. */
  readonly ready: Promise<void>;
  readonly records: WriteRecordsDeps & ReadRecordsDeps;
  /** A call that is given so long. */
  call(timeoutMs: number): Call;
}

/** See startInstance. */
export interface InstanceDeps {
  readonly id: string;
  readonly servers: readonly SimulatedServer[];
  readonly postgres: SimulatedPostgres;
  readonly now: () => number;
  readonly random: () => number;
  /** A request of the instance takes effect at a server. */
  readonly onEffect: (instanceId: string, server: SimulatedServer, operation: string) => void;
  readonly mutant: Mutant | undefined;
  /** Databases go back to their former primary. */
  readonly goesBack: boolean;
}

/** Times like those of production, a few times shorter. */
const APPLIER = { ...DATA_PLANE_SETTINGS.applier, leaseTtlMs: 6_000, idleMs: 3_000, pollMs: 500 };
const KEEPER = { sweepMs: 1_000, followMs: 50, trimMs: 3_600_000, retentionMs: 3_600_000, holdMs: 3_600_000 };
const HEALTH = healthSettings({ intervalMs: 2_000, timeoutMs: 1_000, failures: 3, successes: 2, slowMs: 800 });
const FAILOVER = { isAutomatic: true, graceMs: 500, changesMax: 8, changesWindowMs: 300_000 };
const TICK_MS = 100;
/** Of all instances. */
export const TOKENS = createConsistencyTokens(Buffer.alloc(32));
const UNOBSERVED: ReadObserver = {
  picked: () => {},
  hedged: () => {},
  started: () => () => {},
  forget: () => {},
};

/** The simulation has no owners. */
const UNBOUNDED: Pick<RecordQuota, 'within'> = { within: (_ownerId, _records, write) => write() };

/** Starts one, wired as the service wires it. */
export function startInstance(deps: InstanceDeps): SimulatedInstance {
  const link: Link = { instanceId: deps.id, isDead: false, isCutFromPostgres: false, cutFrom: new Set() };
  const stores = deps.postgres.connect(link);
  const ground = buildGround(deps, link, stores);
  const log = buildLog(ground, stores);
  const ready = watch(ground, stores, log.appliers);
  return {
    link,
    ready,
    records: { ...ground, ...log, tokens: TOKENS, router: buildRouter(ground), recordQuota: UNBOUNDED },
    call(timeoutMs) {
      const endsAtMs = deps.now() + timeoutMs;
      return newCall(AbortSignal.timeout(timeoutMs), () => endsAtMs - deps.now());
    },
  };
}

type Ground = ReturnType<typeof buildGround>;

function buildGround({ servers, now, random, onEffect, mutant, goesBack }: InstanceDeps, link: Link, stores: Stores) {
  const board = createSequenceBoard();
  if (mutant === 'no-epochs-on-the-board') {
    const { sawApplied } = board;
    board.sawApplied = (placementId, at) => sawApplied(placementId, { ...at, epoch: 0 });
  }
  const health = createHealthBoard({ now });
  const connectorOf = (server: SimulatedServer) =>
    overNetwork(server.memory.open(), {
      link,
      server,
      random,
      onEffect: (operation) => onEffect(link.instanceId, server, operation),
    });
  const connectors = new Map(servers.map((server) => [server.id, connectorOf(server)]));
  const pool = createConnectorPool({
    now,
    logger: SILENT,
    report: health.report,
    open: async (serverId) => {
      const connector = connectors.get(serverId);
      if (!connector) throw new Error(`There is no server ${serverId}.`);
      return { connector, revision: 1 };
    },
  });
  const directory = createDatabaseDirectory({
    now,
    load: stores.view,
    onLoaded: (view) => {
      board.sawHead(view.id, view.headSequence);
      for (const placement of view.placements) board.sawApplied(placement.id, placement);
    },
  });
  return { board, health, connectors, pool, directory, now, random, logger: SILENT, mutant, goesBack };
}

function buildLog(ground: Ground, { leases, mutations }: Stores) {
  const { board, pool, directory, mutant } = ground;
  const appliers = createAppliers({
    ...ground,
    log: mutations,
    leases,
    settings: APPLIER,
    withTarget: async ({ id, databaseId }, use) => {
      const placement = (await directory.find(databaseId))?.placements.find((candidate) => candidate.id === id);
      if (!placement) throw new Error(`There is no placement ${id}.`);
      const done = pool.use(placement, (connector) => use(connector, placement.collection));
      if (mutant !== 'confirm-before-server') return done;
      done.catch(() => {});
      return [] as never;
    },
    onApplied: () => {},
    onRefused: (placementId, refusals) => confirmation.noteRefused(placementId, refusals),
    wakeHolder: () => {},
  });
  const confirmation = createWriteConfirmation({
    board,
    find: (databaseId) => directory.find(databaseId),
    nudge: ({ placements }) => {
      for (const placement of placements.filter(follows)) appliers.ensure(placement);
    },
  });
  const log = createLogWriter({
    store: mutations,
    onAppended: (databaseId, entries) => {
      board.sawHead(databaseId, entries.at(-1)?.sequence ?? 0);
      const following = (directory.peek(databaseId)?.placements ?? []).filter(follows);
      for (const placement of following) appliers.submit(placement, entries);
    },
  });
  createLogKeeper({ ...ground, leases, log: mutations, appliers, settings: KEEPER }).start();
  return { appliers, confirmation, log };
}

function buildRouter(ground: Ground) {
  const { health, now } = ground;
  return createReadRouter({
    ...ground,
    loads: createLoadBoard(now),
    hedges: createHedgeBudget(0.2),
    isDown: (serverId) => health.isSuspect(serverId) || health.statusOf(serverId) === 'UNHEALTHY',
    observer: UNOBSERVED,
  });
}

/** Each instance watches all servers, as if it were alone: two may decide at once, and one has to win. */
function watch(ground: Ground, stores: Stores, appliers: ReturnType<typeof buildLog>['appliers']): Promise<void> {
  const { health, connectors, now } = ground;
  const { rules, probes } = HEALTH;
  const returned = createReturnedServers({ ...ground, store: stores.windBacks, appliers });
  const writer = createHealthWriter({ store: stores.health, onStopsStored: returned.look, logger: SILENT });
  writer.start();
  const fleet = createHealthFleet(rules);
  const monitor = createHealthMonitor({
    ...ground,
    fleet,
    rules,
    board: health,
    queue: createDueQueue(TICK_MS, now()),
    connectors: {
      find: async (entries) =>
        new Map(
          entries.flatMap(({ id }) => {
            const connector = connectors.get(id);
            return connector ? [[id, connector]] : [];
          }),
        ),
      rest: () => {},
      drop: () => {},
    },
    lifelines: { keep: () => {}, drop: () => {} },
    writer,
    clock: () => new Date(now()),
    settings: probes,
  });
  health.onSuspect((serverId) => monitor.probeNow(serverId));
  health.onAnswer((serverId) => {
    fleet.answered(serverId, now());
    if (health.statusOf(serverId) !== 'HEALTHY') monitor.probeNow(serverId);
  });
  monitor.setRoster(
    [...connectors.keys()].map((id) => ({ id, revision: 1 })),
    () => true,
  );
  setInterval(() => monitor.tick(), TICK_MS);
  const switchPrimary = createSwitchPrimary({
    ...ground,
    logObserver: { switched: () => {} },
    switches: stores.switches,
    appliers,
  });
  const parts = { ...ground, failovers: stores.failovers, switchPrimary, monitor, settings: FAILOVER };
  createFailoverKeeper(parts).start();
  if (ground.goesBack) createFailBackKeeper({ ...parts, clock: () => new Date(now()) }).start();
  return returned.start();
}
