import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type pg from 'pg';

/** Tells other instances that a log has grown. News may be lost, so that nobody relies on it alone. */
export interface WakeBus {
  /** Sent soon; several in a row for one placement are one. */
  send(placementId: string): void;
  start(onWake: (placementId: string) => void): void;
  stop(): Promise<void>;
}

/** See createWakeBus. */
export interface WakeBusDeps {
  readonly db: Pick<Database, 'read'>;
  /** Opens a connection of its own, on which to listen. */
  readonly connect: () => Promise<pg.Client>;
  readonly logger: Logger;
}

const CHANNEL = 'morag_servers_log';
const RECONNECT_MS = 1_000;

/** Creates a bus over LISTEN and NOTIFY. */
export function createWakeBus({ db, connect, logger }: WakeBusDeps): WakeBus {
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
        await db.read(`select pg_notify('${CHANNEL}', id) from unnest($1::text[]) as given (id)`, [ids]);
      } catch (error) {
        logger.debug({ err: error }, 'a wake-up was not sent');
      }
    }
  };

  const listen = async (onWake: (placementId: string) => void): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await listenOnce(await connect(), onWake, stopping.signal);
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

async function listenOnce(client: pg.Client, onWake: (id: string) => void, signal: AbortSignal): Promise<void> {
  try {
    const ended = new Promise<void>((resolve) => {
      client.once('end', () => resolve());
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    client.on('notification', ({ payload }) => {
      if (payload) onWake(payload);
    });
    await client.query(`listen ${CHANNEL}`);
    await ended;
  } finally {
    await client.end();
  }
}
