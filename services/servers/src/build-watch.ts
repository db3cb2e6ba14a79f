import type { Vault } from '@morag/crypto';
import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type pg from 'pg';
import { buildHealth, type Health } from './build-health.ts';
import type { DataPlane } from './data-plane.ts';
import type { Instance } from './instance.ts';
import type { Vendors } from './modules/connector/vendors.ts';
import { createFailBackKeeper } from './modules/failover/fail-back-keeper.ts';
import { createFailoverStore, type FailoverStore } from './modules/failover/failover.store.ts';
import { createFailoverKeeper } from './modules/failover/failover-keeper.ts';
import { createReturnedServers } from './modules/placement/returned-servers.ts';
import type { SwitchPrimary } from './modules/placement/switch-primary.ts';
import { createWindBackStore } from './modules/placement/wind-back.store.ts';
import type { WebhookStore } from './modules/webhook/webhook.store.ts';
import type { DataPlaneSettings } from './settings.ts';

/** Watches servers, and sees to what follows when one dies or comes back. */
export interface Watch extends Pick<Health, 'healthStore' | 'healthSync' | 'monitor' | 'onTested' | 'refreshSoon'> {
  readonly failovers: FailoverStore;
  /** Ends when what stopped before is wound back. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** See buildWatch. */
export interface WatchDeps {
  readonly db: Database;
  readonly instance: Instance;
  /** A connection outside the pool, to listen on. */
  readonly connect: () => Promise<pg.Client>;
  readonly plane: Pick<DataPlane, 'health' | 'directory' | 'appliers'>;
  readonly switchPrimary: SwitchPrimary;
  readonly webhooks: Pick<WebhookStore, 'announce'>;
  readonly vendors: Pick<Vendors, 'open' | 'openLifeline'>;
  readonly vault: Vault;
  readonly clock: () => Date;
  readonly logger: Logger;
  readonly settings: DataPlaneSettings;
}

/** Builds it. */
export function buildWatch({ plane, switchPrimary, webhooks, ...rest }: WatchDeps): Watch {
  const { db, clock, logger, settings } = rest;
  const returned = createReturnedServers({ ...plane, store: createWindBackStore(db), logger });
  const health = buildHealth({ ...rest, board: plane.health, onStopsStored: returned.look });
  const { monitor } = health;
  const failovers = createFailoverStore(db, webhooks);
  const parts = { failovers, switchPrimary, health: plane.health, monitor, logger, settings: settings.failover };
  const keeper = createFailoverKeeper(parts);
  const failBackKeeper = createFailBackKeeper({ ...parts, now: () => performance.now(), clock });
  return {
    ...health,
    failovers,
    async start() {
      await returned.start();
      health.start();
      keeper.start();
      failBackKeeper.start();
    },
    async stop() {
      await Promise.all([keeper.stop(), failBackKeeper.stop()]);
      await health.stop();
      await returned.stop();
    },
  };
}
