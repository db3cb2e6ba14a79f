import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { Appliers } from './appliers.ts';
import type { LeaseStore } from './lease.store.ts';
import type { MutationStore } from './mutation.store.ts';
import type { SequenceBoard } from './sequence-board.ts';

/** What goes on beside the calls: orphaned logs are taken over, others' progress is followed, old mutations go. */
export interface LogKeeper {
  start(): void;
  stop(): Promise<void>;
}

/** See createLogKeeper. */
export interface LogKeeperDeps {
  readonly leases: Pick<LeaseStore, 'unserved' | 'progress'>;
  readonly log: Pick<MutationStore, 'trim' | 'releaseLate'>;
  readonly board: SequenceBoard;
  readonly appliers: Appliers;
  readonly random: () => number;
  readonly logger: Logger;
  readonly settings: LogKeeperSettings;
}

/** How often, and how much. */
export interface LogKeeperSettings {
  readonly sweepMs: number;
  /** While somebody waits for a placement that another instance serves. */
  readonly followMs: number;
  readonly trimMs: number;
  readonly retentionMs: number;
  /** A replica that is away for longer no longer holds the log back, and is filled anew when it returns. */
  readonly holdMs: number;
}

const UNSERVED_MAX = 200;
const TRIM_ROWS_MAX = 1_000;

/** Creates the keeper. */
export function createLogKeeper(deps: LogKeeperDeps): LogKeeper {
  const { leases, log, board, appliers, settings } = deps;
  const stopping = new AbortController();
  let loops: readonly Promise<void>[] = [];

  const sweep = async (): Promise<void> => {
    for (const { placementId, databaseId } of await leases.unserved(UNSERVED_MAX)) {
      appliers.ensure({ id: placementId, databaseId });
    }
  };
  const followOthers = async (): Promise<void> => {
    await board.untilAwaited(stopping.signal);
    const foreign = board.awaited().filter((placementId) => !appliers.serves(placementId));
    if (foreign.length === 0) return;
    for (const { placementId, ...at } of await leases.progress(foreign)) {
      board.sawApplied(placementId, at);
    }
  };
  const trim = async (): Promise<void> => {
    const late = await log.releaseLate(settings.holdMs);
    if (late.length > 0)
      deps.logger.warn({ placementIds: late }, 'replicas were away for too long: they are filled anew');
    const limits = { retentionMs: settings.retentionMs, rowsMax: TRIM_ROWS_MAX };
    while (!stopping.signal.aborted && (await log.trim(limits)) > 0);
  };

  const repeat = async (work: () => Promise<void>, everyMs: number, jitter: number): Promise<void> => {
    while (!stopping.signal.aborted) {
      await work().catch((error: unknown) => deps.logger.debug({ err: error }, 'log keeping was put off'));
      const pauseMs = everyMs * (1 + jitter * deps.random());
      await sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  };

  return {
    start() {
      // Instances that started together should not ask together.
      loops = [
        repeat(sweep, settings.sweepMs, 0.5),
        repeat(followOthers, settings.followMs, 0),
        repeat(trim, settings.trimMs, 0.5),
      ];
    },
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
