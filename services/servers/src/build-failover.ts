import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import { createFailoverStore, type FailoverStore } from './modules/failover/failover.store.ts';
import { createFailoverKeeper, type FailoverSettings } from './modules/failover/failover-keeper.ts';
import type { HealthMonitor } from './modules/health/health-monitor.ts';
import type { HealthView } from './modules/health/health-view.ts';
import type { SwitchPrimary } from './modules/placement/switch-primary.ts';

/** Changes primaries: by itself when one is down, and when somebody asks. */
export interface Failover {
  readonly failovers: FailoverStore;
  start(): void;
  stop(): Promise<void>;
}

/** See buildFailover. */
export interface FailoverDeps {
  readonly db: Database;
  readonly health: HealthView;
  readonly monitor: HealthMonitor;
  readonly switchPrimary: SwitchPrimary;
  readonly logger: Logger;
  readonly settings: { readonly failover: FailoverSettings };
}

/** Builds it. */
export function buildFailover({ db, settings, ...rest }: FailoverDeps): Failover {
  const failovers = createFailoverStore(db);
  const keeper = createFailoverKeeper({ ...rest, failovers, settings: settings.failover });
  return { failovers, start: keeper.start, stop: keeper.stop };
}
