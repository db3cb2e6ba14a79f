import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import { createBell } from '../log/bell.ts';
import type { HealthStore, StoredStatus } from './health.store.ts';
import type { HealthCheck } from './health.ts';

/** Stores looks and statuses behind the probes: many at once, however many servers there are. */
export interface HealthWriter {
  /** A look; kept in memory until the next write. */
  look(check: HealthCheck): void;
  /** A status that has changed; written soon. */
  status(status: Omit<StoredStatus, 'writtenAt'>): void;
  start(): void;
  /** Writes what is left. */
  stop(): Promise<void>;
}

/** See createHealthWriter. */
export interface HealthWriterDeps {
  readonly store: Pick<HealthStore, 'write'>;
  readonly logger: Logger;
}

const WRITE_EVERY_MS = 1_000;
/** Between two writes, also when much changes: keeps the number of statements down. */
const PAUSE_MS_MIN = 500;
/** While PostgreSQL is away; beyond it the oldest looks are given up. Statuses are never. */
const LOOKS_MAX = 20_000;

/** Creates the writer. */
export function createHealthWriter({ store, logger }: HealthWriterDeps): HealthWriter {
  const stopping = new AbortController();
  const bell = createBell();
  let looks: HealthCheck[] = [];
  let statuses = new Map<string, Omit<StoredStatus, 'writtenAt'>>();
  let running: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    if (looks.length === 0 && statuses.size === 0) return;
    const [writtenLooks, writtenStatuses] = [looks, statuses];
    [looks, statuses] = [[], new Map()];
    try {
      await store.write(writtenLooks, [...writtenStatuses.values()]);
    } catch (error) {
      logger.debug({ err: error }, 'what is known of the servers’ health was not stored');
      looks = [...writtenLooks, ...looks].slice(-LOOKS_MAX);
      statuses = new Map([...writtenStatuses, ...statuses]);
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
    status(status) {
      statuses.set(status.serverId, status);
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
