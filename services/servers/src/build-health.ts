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
  readonly vendors: Pick<Vendors, 'open'>;
  readonly vault: Vault;
  /** Told when it is stored of servers that they stopped and may have lost what they confirmed. */
  readonly onStopsStored: () => void;
  readonly clock: () => Date;
  readonly logger: Logger;
  readonly settings: { readonly health: HealthSettings };
}

const QUEUE_STEP_MS = 20;

/** Builds what probes, judges and tells; any number of instances share the servers. */
export function buildHealth(deps: HealthDeps): Health {
  const { db, instance, connect, board, vendors, vault, onStopsStored, clock, logger } = deps;
  const { rules, probes, leaseMs } = deps.settings.health;
  const now = (): number => performance.now();
  const healthStore = createHealthStore(db);
  const roster = createRosterStore(db);
  const writer = createHealthWriter({ store: healthStore, onStopsStored, logger });
  const connectors = createProbeConnectors({
    roster,
    open: (server) => vendors.open(server, openSecrets(vault, server)),
    logger,
  });
  const fleet = createHealthFleet(rules);
  const shared = { fleet, rules, board, connectors, writer, now, clock, random: Math.random, logger };
  const monitor = createHealthMonitor({
    ...shared,
    queue: createDueQueue(QUEUE_STEP_MS, now()),
    settings: probes,
  });
  const members = createHealthMembers({ db, instance, now, leaseMs });
  const parts = { ...shared, store: healthStore, roster, members, monitor };
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
      await connectors.stop();
      await writer.stop();
    },
  };
}
