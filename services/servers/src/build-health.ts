import type { Vault } from '@morag/crypto';
import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type pg from 'pg';
import type { Instance } from './instance.ts';
import type { Vendors } from './modules/connector/vendors.ts';
import { createDueQueue } from './modules/health/due-queue.ts';
import { createHealthStore, type HealthStore } from './modules/health/health.store.ts';
import { createHealthFleet } from './modules/health/health-fleet.ts';
import { createHealthKeeper } from './modules/health/health-keeper.ts';
import { createHealthMembers } from './modules/health/health-members.ts';
import { createHealthMonitor, type HealthMonitor } from './modules/health/health-monitor.ts';
import type { HealthSettings } from './modules/health/health-settings.ts';
import { isUp } from './modules/health/health-status.ts';
import { createHealthSync, type HealthSync } from './modules/health/health-sync.ts';
import type { HealthBoard } from './modules/health/health-view.ts';
import { createHealthWriter } from './modules/health/health-writer.ts';
import { createLifelines } from './modules/health/lifelines.ts';
import { createProbeConnectors } from './modules/health/probe-connectors.ts';
import { createRosterStore } from './modules/health/roster.store.ts';
import { createWakeBus } from './modules/log/wake-bus.ts';
import { openSecrets } from './modules/server/server-secrets.ts';

/** Watches the servers. */
export interface Health {
  readonly healthStore: HealthStore;
  readonly healthSync: HealthSync;
  readonly monitor: HealthMonitor;
  /** A connection test has looked at a server. */
  readonly onTested: (serverId: string) => void;
  /** Servers were changed or deleted. */
  readonly refreshSoon: () => void;
  start(): void;
  stop(): Promise<void>;
}

/** See buildHealth. */
export interface HealthDeps {
  readonly db: Database;
  readonly instance: Instance;
  /** A connection outside the pool, to listen on. */
  readonly connect: () => Promise<pg.Client>;
  readonly board: HealthBoard;
  readonly vendors: Pick<Vendors, 'open' | 'openLifeline'>;
  readonly vault: Vault;
  /** Told when it is stored of servers that they stopped and may have lost what they confirmed. */
  readonly onStopsStored: () => void;
  readonly clock: () => Date;
  readonly logger: Logger;
  readonly settings: { readonly health: HealthSettings };
}

const QUEUE_STEP_MS = 20;

/** What looks at servers and judges them. */
function buildMonitor({ db, board, vendors, vault, onStopsStored, clock, logger, settings }: HealthDeps) {
  const { rules, probes } = settings.health;
  const now = (): number => performance.now();
  const store = createHealthStore(db);
  const roster = createRosterStore(db);
  const writer = createHealthWriter({ store, onStopsStored, logger });
  const connectors = createProbeConnectors({
    roster,
    open: (server) => vendors.open(server, openSecrets(vault, server)),
    logger,
  });
  const lifelines = createLifelines({
    async open(serverId, onEnd, signal) {
      const server = connectors.serverOf(serverId);
      if (!server) throw new Error('the server is not known any more');
      return vendors.openLifeline(server, onEnd, signal);
    },
    onBroken: (serverId) => monitor.probeNow(serverId),
    now,
  });
  const fleet = createHealthFleet(rules);
  const queue = createDueQueue(QUEUE_STEP_MS, now());
  const parts = { store, roster, fleet, rules, board, connectors, writer, lifelines, now, clock, random: Math.random };
  const monitor = createHealthMonitor({ ...parts, queue, settings: probes, logger });
  return { ...parts, monitor };
}

/** Builds what probes, judges and tells; any number of instances share the servers. */
export function buildHealth(deps: HealthDeps): Health {
  const { db, instance, connect, board, logger, settings } = deps;
  const shared = { ...buildMonitor(deps), logger };
  const { store: healthStore, fleet, monitor, writer, connectors, lifelines, now } = shared;
  const members = createHealthMembers({ db, instance, now, leaseMs: settings.health.leaseMs });
  const parts = { ...shared, members };
  const healthSync = createHealthSync(parts);
  const keeper = createHealthKeeper({ ...parts, sync: healthSync });
  const bus = createWakeBus({ channel: 'morag_servers_health', db, connect, logger });
  const lookAt = (serverId: string): void => {
    monitor.probeNow(serverId);
    bus.send(serverId);
  };
  board.onSuspect((serverId) => lookAt(serverId));
  board.onAnswer((serverId) => {
    fleet.answered(serverId, now());
    if (!isUp(board.statusOf(serverId))) monitor.probeNow(serverId);
  });

  const refreshSoon = (): void => {
    void healthSync.refresh().catch((error: unknown) => logger.debug({ err: error }, 'the servers were not read'));
  };

  return {
    healthStore,
    healthSync,
    monitor,
    onTested(serverId) {
      refreshSoon();
      lookAt(serverId);
    },
    refreshSoon,
    start() {
      writer.start();
      keeper.start();
      bus.start((serverId) => monitor.probeNow(serverId));
    },
    async stop() {
      await keeper.stop();
      await bus.stop();
      await monitor.stop();
      lifelines.stop();
      await connectors.stop();
      await writer.stop();
    },
  };
}
