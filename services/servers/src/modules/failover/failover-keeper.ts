import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { HealthMonitor } from '../health/health-monitor.ts';
import type { HealthView } from '../health/health-view.ts';
import { decideFailover, type FailoverRules, type Standing } from './choose-target.ts';
import type { FailoverStore, PlacedCopy, PlacedDatabase } from './failover.store.ts';
import { type PromoteDeps, promote } from './promote.ts';

/** Watches databases whose primary is down, and fails them over. */
export interface FailoverKeeper {
  start(): void;
  stop(): Promise<void>;
}

/** When databases fail over by themselves. */
export interface FailoverSettings extends FailoverRules {
  readonly isAutomatic: boolean;
  /** A primary's server has to be down for so long, from its first failure on. */
  readonly graceMs: number;
}

/** See createFailoverKeeper. */
export interface FailoverKeeperDeps extends PromoteDeps {
  readonly failovers: FailoverStore;
  readonly health: HealthView;
  readonly monitor: Pick<HealthMonitor, 'downFor' | 'downSince' | 'isFlapping' | 'isPanicking'>;
  readonly logger: Logger;
  readonly settings: FailoverSettings;
}

const LOOK_MS = 200;
/** While nothing can be done for a database, it is looked at so often. */
const PAUSE_MS = 1_000;
const ATTEMPT_MS_MAX = 30_000;
const AT_ONCE = 8;

/** Creates the keeper: it acts for the servers that this process judges. */
export function createFailoverKeeper(deps: FailoverKeeperDeps): FailoverKeeper {
  const { failovers, monitor, settings, logger } = deps;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  /** Answers how many databases have a new primary. */
  const look = async (): Promise<number> => {
    const down = monitor.downFor(settings.graceMs);
    if (down.length === 0) return 0;
    const waiting = [...(await failovers.endangered(down, settings.changesWindowMs))];
    let done = 0;
    const lane = async (): Promise<void> => {
      for (let next = waiting.pop(); next && !stopping.signal.aborted; next = waiting.pop()) {
        if (await failOverOne(deps, next, stopping.signal)) done++;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return done;
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const isDown = monitor.downFor(settings.graceMs).length > 0;
      const done = await look().catch((error: unknown) => {
        logger.warn({ err: error }, 'databases whose primary is down cannot be read now');
        return 0;
      });
      const pauseMs = isDown && done === 0 ? PAUSE_MS : LOOK_MS;
      await sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
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

async function failOverOne(deps: FailoverKeeperDeps, database: PlacedDatabase, signal: AbortSignal): Promise<boolean> {
  const { monitor, settings, logger } = deps;
  const { databaseId, copies, recentChanges } = database;
  const placements = copies.map((copy) => standingOf(deps, copy));
  const decision = decideFailover({ placements, recentChanges }, monitor.isPanicking(), settings);
  const from = copies.find(({ role }) => role === 'PRIMARY');
  const to =
    decision.kind === 'PROMOTE' && copies.find(({ placementId }) => placementId === decision.target.placementId);
  if (!from || !to) {
    logger.debug({ databaseId, decision }, 'a database whose primary is down does not fail over now');
    return false;
  }
  const reason = 'The server of the primary is down.';
  const detectedAt = monitor.downSince(from.serverId);
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS_MAX)]);
  try {
    await promote(deps, { from, to, reason, isAutomatic: true, detectedAt }, inTime);
    return true;
  } catch (error) {
    // Somebody else was faster, or the new one has failed meanwhile: the next look will tell.
    logger.warn({ err: error, databaseId }, 'a database could not fail over now');
    return false;
  }
}

/** A copy with what is known of its server. */
export function standingOf(
  { health, monitor }: Pick<FailoverKeeperDeps, 'health'> & { readonly monitor: Pick<HealthMonitor, 'isFlapping'> },
  { placementId, serverId, role, state, appliedSequence }: PlacedCopy,
): Standing {
  return {
    placementId,
    serverId,
    role,
    state,
    appliedSequence,
    health: health.statusOf(serverId),
    isSuspect: health.isSuspect(serverId),
    isFlapping: monitor.isFlapping(serverId),
  };
}
