import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { HealthMonitor } from '../health/health-monitor.ts';
import type { HealthView } from '../health/health-view.ts';
import { decideFailBack, type WellSince } from './fail-back.ts';
import type { DisplacedDatabase, FailoverStore } from './failover.store.ts';
import { type FailoverSettings, standingOf } from './failover-keeper.ts';
import { type PromoteDeps, promote } from './promote.ts';

/** Brings primaries back to where they were, of databases that say so. */
export interface FailBackKeeper {
  start(): void;
  stop(): Promise<void>;
}

/** See createFailBackKeeper. */
export interface FailBackKeeperDeps extends PromoteDeps {
  readonly failovers: FailoverStore;
  readonly health: HealthView;
  readonly monitor: Pick<HealthMonitor, 'statusSince' | 'isFlapping' | 'isPanicking'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly clock: () => Date;
  readonly logger: Logger;
  readonly settings: FailoverSettings;
}

/** How the reason of such a change begins. */
export const FORMER_PRIMARY_IS_BACK = 'The former primary is back';

const LOOK_MS = 1_000;
/** Writes may have to wait for a handover, and nobody asked for this one: it is given up soon, and tried again. */
const ATTEMPT_MS_MAX = 5_000;
const AT_ONCE = 8;

interface Ripe {
  readonly database: DisplacedDatabase;
  readonly well: WellSince;
}

/** Creates the keeper: it acts for databases whose home is on a server that this process judges. */
export function createFailBackKeeper(deps: FailBackKeeperDeps): FailBackKeeper {
  const { failovers, monitor, now, settings, logger } = deps;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  /** By the placement to go back to. */
  let watched: ReadonlyMap<string, WellSince> = new Map();
  /** Those that the last look found, and who sees to them. */
  let ripe: Ripe[] = [];
  const lanes = new Set<Promise<void>>();
  const underWay = new Set<string>();

  const judge = (databases: readonly DisplacedDatabase[]): Ripe[] => {
    const look = { atMs: now(), isPanic: monitor.isPanicking() };
    const found: Ripe[] = [];
    const next = new Map<string, WellSince>();
    for (const database of databases) {
      const { databaseId, home, primary } = database;
      const statusSinceMs = monitor.statusSince(home.serverId);
      if (statusSinceMs === undefined) continue;
      const standings = { home: standingOf(deps, home), primary: standingOf(deps, primary), statusSinceMs };
      const decision = decideFailBack(watched.get(home.placementId), { ...database, ...standings }, look, settings);
      if (decision.well) next.set(home.placementId, decision.well);
      if (decision.kind === 'GO_BACK') found.push({ database, well: decision.well });
      else logger.debug({ databaseId, why: decision.why }, 'a database does not go back to its former primary now');
    }
    watched = next;
    return found;
  };
  const lane = async (): Promise<void> => {
    for (let next = ripe.pop(); next && !stopping.signal.aborted; next = ripe.pop()) {
      const { databaseId } = next.database;
      if (underWay.has(databaseId)) continue;
      underWay.add(databaseId);
      await goBack(deps, next, stopping.signal);
      underWay.delete(databaseId);
    }
  };
  /** Looks go on while handovers do, however long these take: who does not look does not watch. */
  const look = async (): Promise<void> => {
    ripe = judge(await failovers.displaced(settings.changesWindowMs));
    for (let free = Math.min(AT_ONCE - lanes.size, ripe.length); free > 0; free--) {
      const work = lane().finally(() => lanes.delete(work));
      lanes.add(work);
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => {
        logger.debug({ err: error }, 'databases away from their former primary cannot be read now');
      });
      await sleep(LOOK_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
    await Promise.all(lanes);
  };

  return {
    start() {
      if (settings.isAutomatic) running = run();
    },
    async stop() {
      stopping.abort(new Error('the service stops'));
      await running;
    },
  };
}

async function goBack(deps: FailBackKeeperDeps, { database, well }: Ripe, signal: AbortSignal): Promise<void> {
  const { now, clock, logger } = deps;
  const { databaseId, primary: from, home: to, delayMs } = database;
  const reason = `${FORMER_PRIMARY_IS_BACK}, and has been in sync and well for ${delayMs / 1_000} s.`;
  const detectedAt = new Date(clock().getTime() - (now() - well.sinceMs));
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS_MAX)]);
  try {
    await promote(deps, { from, to, reason, isAutomatic: true, detectedAt }, inTime);
  } catch (error) {
    // A failover was faster, or the home has failed meanwhile: the next look will tell.
    logger.warn({ err: error, databaseId }, 'a database could not go back to its former primary now');
  }
}
