import type { ServersConfig } from '@morag/config';
import type { FailoverSettings } from './modules/failover/failover-keeper.ts';
import { type HealthSettings, healthSettings } from './modules/health/health-settings.ts';
import type { ApplierSettings } from './modules/log/applier.ts';
import { LEASE_TTL_MS } from './modules/log/lease-keeper.ts';
import type { LogKeeperSettings } from './modules/log/log-keeper.ts';
import type { MoveSettings } from './modules/move/move-work.ts';
import type { FillSettings } from './modules/placement/fill-placement.ts';
import { LOAD_SETTINGS, type LoadSettings } from './modules/routing/load-board.ts';

/** Times and bounds of the data plane. */
export interface DataPlaneSettings {
  readonly applier: ApplierSettings;
  readonly keeper: LogKeeperSettings & {
    /** What became of an operation is told for so long. */
    readonly operationRetentionMs: number;
  };
  readonly fill: Omit<FillSettings, 'leaseTtlMs'>;
  readonly move: MoveSettings;
  readonly reads: ReadSettings;
  readonly health: HealthSettings;
  readonly failover: FailoverSettings;
}

/** How reads are spread. */
export interface ReadSettings {
  /** Share of all reads that may be sent to a second placement because the first one is late; 0 for none. */
  readonly hedgeShare: number;
  /** How what was seen of a placement weighs. */
  readonly loads: LoadSettings;
}

const MIB = 1024 * 1024;

/** What production runs with; tests shorten the times. */
export const DATA_PLANE_SETTINGS: DataPlaneSettings = {
  applier: {
    leaseTtlMs: LEASE_TTL_MS,
    idleMs: 15_000,
    pollMs: 1_000,
    window: { recordsMax: 4_000, bytesMax: 16 * MIB },
    tailBytesMax: 32 * MIB,
  },
  keeper: {
    sweepMs: 5_000,
    followMs: 10,
    trimMs: 60_000,
    // Longer than any vendor's safety window after an unclean stop, so that what it lost can be applied again.
    retentionMs: 3_600_000,
    holdMs: 24 * 3_600_000,
    operationRetentionMs: 7 * 24 * 3_600_000,
  },
  fill: { recordsPerSecondMax: 5_000, pageBytesMax: 4 * MIB },
  move: { pollMs: 250, retryMs: 2_000, drainMs: 2_500 },
  reads: { hedgeShare: 0.02, loads: LOAD_SETTINGS },
  health: healthSettings({ intervalMs: 10_000, timeoutMs: 2_000, failures: 3, successes: 2, slowMs: 1_000 }),
  failover: { isAutomatic: true, graceMs: 2_000, changesMax: 3, changesWindowMs: 300_000 },
};

/** The settings of an installation, as its operator has configured it. */
export function settingsOf({ health, failover }: Pick<ServersConfig, 'health' | 'failover'>): DataPlaneSettings {
  const { failover: rules } = DATA_PLANE_SETTINGS;
  return { ...DATA_PLANE_SETTINGS, health: healthSettings(health), failover: { ...rules, ...failover } };
}
