import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { HealthStore, StoredStatus } from './health.store.ts';
import type { HealthMembers } from './health-members.ts';
import type { HealthMonitor } from './health-monitor.ts';
import type { RosterEntry, RosterStore } from './roster.store.ts';

/** Keeps what this process knows in step with PostgreSQL: who else is there, which servers, what others have judged. */
export interface HealthKeeper {
  /** The servers may have changed. */
  refreshSoon(): void;
  /** Told of servers whose stored status is new. Answers what ends it. */
  onStored(listener: (serverIds: readonly string[]) => void): () => void;
  start(): void;
  stop(): Promise<void>;
}

/** See createHealthKeeper. */
export interface HealthKeeperDeps {
  readonly store: Pick<HealthStore, 'statusesSince' | 'write' | 'rollUp'>;
  readonly roster: Pick<RosterStore, 'fingerprint' | 'list'>;
  readonly members: HealthMembers;
  readonly monitor: Pick<HealthMonitor, 'setRoster' | 'setStored' | 'tick'>;
  readonly clock: () => Date;
  readonly random: () => number;
  readonly logger: Logger;
}

const TICK_MS = 20;
const KEEP_MS = 1_000;
const RENEW_EVERY = 2;
const ROLL_UP_MS = 600_000;

/** Creates the keeper. */
export function createHealthKeeper(deps: HealthKeeperDeps): HealthKeeper {
  const { store, roster, members, monitor, clock, random, logger } = deps;
  const stopping = new AbortController();
  const listeners = new Set<(serverIds: readonly string[]) => void>();
  const seen = new Map<string, string>();
  let fingerprint: string | undefined;
  let servers: readonly RosterEntry[] = [];
  let newest: string | undefined;
  let loops: readonly Promise<void>[] = [];
  let timer: NodeJS.Timeout | undefined;
  let rounds = 0;

  const readServers = async (): Promise<void> => {
    const current = await roster.fingerprint();
    if (current !== fingerprint) servers = await roster.list();
    fingerprint = current;
    const gone = monitor.setRoster(servers, members.isMine);
    for (const id of gone) seen.delete(id);
    // One that is switched off is not looked at any more; of one that was deleted nothing is stored.
    const sinceAt = clock();
    const unknown = gone.map((serverId) => ({ serverId, status: 'UNKNOWN' as const, sinceAt }));
    if (gone.length > 0) await store.write([], unknown);
  };
  const readStatuses = async (): Promise<void> => {
    const statuses = await store.statusesSince(newest);
    newest = statuses.at(-1)?.writtenAt ?? newest;
    const fresh = statuses.filter(({ serverId, writtenAt }) => seen.get(serverId) !== writtenAt);
    for (const { serverId, writtenAt } of fresh) seen.set(serverId, writtenAt);
    tell(fresh);
  };
  const tell = (fresh: readonly StoredStatus[]): void => {
    if (fresh.length === 0) return;
    monitor.setStored(fresh);
    const ids = fresh.map(({ serverId }) => serverId);
    for (const listener of listeners) listener(ids);
  };
  const refresh = async (): Promise<void> => {
    await readStatuses();
    await readServers();
  };
  const keep = async (): Promise<void> => {
    if (rounds++ % RENEW_EVERY === 0) await members.renew();
    await refresh();
  };
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
    refreshSoon() {
      void refresh().catch((error: unknown) => logger.debug({ err: error }, 'the servers were not read'));
    },
    onStored(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start() {
      timer = setInterval(() => monitor.tick(), TICK_MS).unref();
      loops = [repeat(keep, KEEP_MS), repeat(rollUp, ROLL_UP_MS)];
    },
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await Promise.all(loops);
      await members.leave().catch((error: unknown) => logger.debug({ err: error }, 'a lease was not given back'));
    },
  };
}
