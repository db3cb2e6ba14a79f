import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { HealthStore } from './health.store.ts';
import type { HealthMembers } from './health-members.ts';
import type { HealthMonitor } from './health-monitor.ts';
import type { HealthSync } from './health-sync.ts';

/** What goes on beside the probes: the lease is renewed, what others know is read, old looks are rolled up. */
export interface HealthKeeper {
  start(): void;
  stop(): Promise<void>;
}

/** See createHealthKeeper. */
export interface HealthKeeperDeps {
  readonly store: Pick<HealthStore, 'rollUp'>;
  readonly sync: Pick<HealthSync, 'refresh'>;
  readonly members: HealthMembers;
  readonly monitor: Pick<HealthMonitor, 'tick'>;
  readonly clock: () => Date;
  readonly random: () => number;
  readonly logger: Logger;
}

const TICK_MS = 20;
const REFRESH_MS = 1_000;
const RENEW_MS = 2_000;
const ROLL_UP_MS = 600_000;

/** Creates the keeper. */
export function createHealthKeeper(deps: HealthKeeperDeps): HealthKeeper {
  const { store, sync, members, monitor, clock, random, logger } = deps;
  const stopping = new AbortController();
  let loops: readonly Promise<void>[] = [];
  let timer: NodeJS.Timeout | undefined;

  const rollUp = async (): Promise<void> => {
    let after: string | undefined;
    do after = await store.rollUp(after, clock().getTime());
    while (after !== undefined && !stopping.signal.aborted);
  };
  const repeat = async (work: () => Promise<void>, everyMs: number): Promise<void> => {
    while (!stopping.signal.aborted) {
      await work().catch((error: unknown) => logger.debug({ err: error }, 'keeping of health was put off'));
      const pauseMs = everyMs * (0.9 + 0.2 * random());
      await sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  };

  return {
    start() {
      timer = setInterval(() => monitor.tick(), TICK_MS).unref();
      loops = [
        repeat(() => members.renew(), RENEW_MS),
        repeat(() => sync.refresh(), REFRESH_MS),
        repeat(rollUp, ROLL_UP_MS),
      ];
    },
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await Promise.all(loops);
      await members.leave().catch((error: unknown) => logger.debug({ err: error }, 'a lease was not given back'));
    },
  };
}
