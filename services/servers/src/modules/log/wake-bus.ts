import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type pg from 'pg';

/**
 * Tells other instances that there is something to do, for a placement or for a server. News may be lost, so that nobody
 * relies on it alone.
 */
export interface WakeBus {
  /** Sent soon; several in a row for one id are one. */
  send(id: string): void;
  start(onWake: (id: string) => void): void;
  stop(): Promise<void>;
}

/** See createWakeBus. */
export interface WakeBusDeps {
  /** Of PostgreSQL's notifications; a lower-case name. */
  readonly channel: string;
  readonly db: Pick<Database, 'read'>;
  /** Opens a connection of its own, on which to listen. */
  readonly connect: () => Promise<pg.Client>;
  readonly logger: Logger;
}

const RECONNECT_MS = 1_000;

/** Creates a bus over LISTEN and NOTIFY. */
export function createWakeBus({ channel, db, connect, logger }: WakeBusDeps): WakeBus {
  const pending = new Set<string>();
  const stopping = new AbortController();
  let sending: Promise<void> | undefined;
  let listening: Promise<void> | undefined;

  // One statement at a time: a notification takes a lock of the whole PostgreSQL server at commit.
  const sendAll = async (): Promise<void> => {
    while (pending.size > 0) {
      const ids = [...pending];
      pending.clear();
      try {
        await db.read('select pg_notify($2, id) from unnest($1::text[]) as given (id)', [ids, channel]);
      } catch (error) {
        logger.debug({ err: error }, 'a wake-up was not sent');
      }
    }
  };

  const listen = async (onWake: (id: string) => void): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await listenOnce(await connect(), { channel, onWake, signal: stopping.signal });
      } catch (error) {
        logger.debug({ err: error }, 'listening for wake-ups was interrupted');
      }
      await sleep(RECONNECT_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };

  return {
    send(placementId) {
      pending.add(placementId);
      sending ??= sendAll().finally(() => {
        sending = undefined;
      });
    },
    start(onWake) {
      listening = listen(onWake);
    },
    async stop() {
      stopping.abort();
      await Promise.all([listening, sending]);
    },
  };
}

interface Listening {
  readonly channel: string;
  readonly onWake: (id: string) => void;
  readonly signal: AbortSignal;
}

async function listenOnce(client: pg.Client, { channel, onWake, signal }: Listening): Promise<void> {
  try {
    // It came too late: nothing more would be heard of the signal.
    if (signal.aborted) return;
    const ended = new Promise<void>((resolve) => {
      client.once('end', () => resolve());
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    client.on('notification', ({ payload }) => {
      if (payload) onWake(payload);
    });
    await client.query(`listen ${channel}`);
    await ended;
  } finally {
    await client.end();
  }
}
