import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import { createBell } from '../log/bell.ts';
import type { HealthStore, StatusChange } from './health.store.ts';
import type { HealthCheck } from './health.ts';

/** Stores looks and statuses behind the probes: many at once, however many servers there are. */
export interface HealthWriter {
  /** A look; kept in memory until the next write. */
  look(check: HealthCheck): void;
  /** A status that has changed, or a server that has stopped; written soon. */
  status(change: StatusChange): void;
  start(): void;
  /** Writes what is left. */
  stop(): Promise<void>;
}

/** See createHealthWriter. */
export interface HealthWriterDeps {
  readonly store: Pick<HealthStore, 'write'>;
  /** Told when it is stored of servers that they stopped. */
  readonly onStopsStored: () => void;
  readonly logger: Logger;
}

const WRITE_EVERY_MS = 1_000;
/** Between two writes, also when much changes: keeps the number of statements down. */
const PAUSE_MS_MIN = 500;
/** While PostgreSQL is away; beyond it the oldest looks are given up. Statuses are never. */
const LOOKS_MAX = 20_000;

/** Creates the writer. */
export function createHealthWriter({ store, onStopsStored, logger }: HealthWriterDeps): HealthWriter {
  const stopping = new AbortController();
  const bell = createBell();
  let looks: HealthCheck[] = [];
  let statuses = new Map<string, StatusChange>();
  let running: Promise<void> | undefined;

  /** A later status replaces an earlier one, but for what it says of a stop. */
  const keep = (change: StatusChange): void => {
    const stoppedAt = statuses.get(change.serverId)?.stoppedAt ?? change.stoppedAt;
    statuses.set(change.serverId, { ...change, stoppedAt });
  };

  const write = async (): Promise<void> => {
    if (looks.length === 0 && statuses.size === 0) return;
    const [writtenLooks, writtenStatuses] = [looks, [...statuses.values()]];
    [looks, statuses] = [[], new Map()];
    try {
      await store.write(writtenLooks, writtenStatuses);
      if (writtenStatuses.some(({ stoppedAt }) => stoppedAt)) onStopsStored();
    } catch (error) {
      logger.debug({ err: error }, 'what is known of the servers’ health was not stored');
      looks = [...writtenLooks, ...looks].slice(-LOOKS_MAX);
      const later = statuses;
      statuses = new Map();
      for (const change of [...writtenStatuses, ...later.values()]) keep(change);
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await bell.wait(WRITE_EVERY_MS - PAUSE_MS_MIN, stopping.signal);
      await write();
      await sleep(PAUSE_MS_MIN, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
    await write();
  };

  return {
    look(check) {
      looks.push(check);
    },
    status(change) {
      keep(change);
      bell.ring();
    },
    start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
