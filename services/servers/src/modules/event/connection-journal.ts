import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import { createBell } from '../log/bell.ts';
import type { ConnectionEventStore } from './connection-event.store.ts';
import type { ConnectionEvent, ConnectionEventKind } from './connection-event.ts';

/** Notes what happens to connections, behind the work; what happens too often is noted less often. */
export interface ConnectionJournal {
  note(serverId: string, kind: ConnectionEventKind, detail?: string): void;
  start(): void;
  /** Writes what is left. */
  stop(): Promise<void>;
}

/** See createConnectionJournal. */
export interface ConnectionJournalDeps {
  readonly store: Pick<ConnectionEventStore, 'append'>;
  readonly clock: () => Date;
  readonly logger: Logger;
}

const WRITE_MS = 1_000;
const PENDING_MAX = 1_000;
const DETAIL_MAX = 500;
/** The same failure of a server again, within this time, is not news. */
const REPEAT_MS = 60_000;

/** Creates the journal. */
export function createConnectionJournal({ store, clock, logger }: ConnectionJournalDeps): ConnectionJournal {
  const stopping = new AbortController();
  const bell = createBell();
  const lastFailures = new Map<string, { readonly detail: string; readonly atMs: number }>();
  let pending: ConnectionEvent[] = [];
  let running: Promise<void> | undefined;

  const isNews = (serverId: string, kind: ConnectionEventKind, detail: string): boolean => {
    // A connection that was made anew may fail anew.
    if (kind !== 'FAILED') lastFailures.delete(serverId);
    if (kind !== 'FAILED') return true;
    const atMs = clock().getTime();
    const last = lastFailures.get(serverId);
    if (last?.detail === detail && atMs - last.atMs < REPEAT_MS) return false;
    lastFailures.set(serverId, { detail, atMs });
    return true;
  };
  const write = async (): Promise<void> => {
    const events = pending;
    pending = [];
    if (events.length === 0) return;
    await store.append(events).catch((error: unknown) => {
      logger.debug({ err: error }, 'events of connections were not stored');
      pending = [...events, ...pending].slice(-PENDING_MAX);
    });
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await bell.wait(60_000, stopping.signal);
      await write();
      await sleep(WRITE_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
    await write();
  };

  return {
    note(serverId, kind, detail = '') {
      const text = detail.slice(0, DETAIL_MAX);
      if (!isNews(serverId, kind, text) || pending.length >= PENDING_MAX) return;
      pending.push({ id: newId(), serverId, kind, detail: text, createdAt: clock() });
      bell.ring();
    },
    start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
      await write();
    },
  };
}
