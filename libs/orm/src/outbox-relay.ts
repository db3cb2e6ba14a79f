import { randomUUID } from 'node:crypto';
import type { Logger } from '@morag/telemetry';
import type pg from 'pg';
import type { Database } from './database.ts';
import { outboxChannel } from './outbox.ts';
import { connectClient } from './pool.ts';
import { createWakeup } from './wakeup.ts';

/** An event to deliver. */
export interface DeliveredEvent {
  /** Grows; the same event comes with the same number, should it come twice. */
  readonly seq: bigint;
  readonly key: string;
  readonly type: string;
  readonly payload: unknown;
  /** 1 at the first delivery. */
  readonly attempt: number;
  readonly createdAt: Date;
}

/** See createOutboxRelay. */
export interface OutboxRelayOptions {
  readonly db: Database;
  /** Tells the others. Must be safe to repeat; an event whose delivery throws is delivered again, later. */
  readonly deliver: (event: DeliveredEvent, signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
  /** Events under way at once, each of another key. */
  readonly batchSizeMax?: number;
  /** A delivery that takes longer counts as dead, and another relay repeats it. */
  readonly leaseMs?: number;
  /** How often to look when nobody calls: notifications can be lost with their connection. */
  readonly pollMs?: number;
}

/** Delivers the events of an outbox, from `start` to `stop`. */
export interface OutboxRelay {
  start(): void;
  stop(): Promise<void>;
}

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 60_000;

/**
 * Delivers each event at least once, and the events of a key in order. Any number of relays may run: they share the keys
 * by leases. An event that cannot be delivered holds back its own key alone, and is tried again with growing pauses.
 */
export function createOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  const { db, logger, pollMs = 2_000 } = options;
  const stopping = new AbortController();
  const wakeup = createWakeup(stopping.signal);
  let running: Promise<void> | undefined;
  let listener: pg.Client | undefined;

  const listen = async (): Promise<void> => {
    if (listener) return;
    const client = await connectClient(db.options, logger);
    client.on('notification', () => wakeup.wake());
    client.on('end', () => {
      if (listener === client) listener = undefined;
    });
    listener = client;
    await client.query(`listen ${outboxChannel(db.options.schema)}`);
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await listen();
        // A full batch means that there may be more at once.
        while (!stopping.signal.aborted && (await deliverBatch(options, stopping.signal))) continue;
      } catch (error) {
        if (!stopping.signal.aborted) logger.warn({ err: error }, 'the outbox cannot be read; trying again');
      }
      await wakeup.wait(pollMs);
    }
  };

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort(new Error('the service stops'));
      await running;
      await listener?.end();
    },
  };
}

/** Delivers what is due, at most one event per key; answers whether anything was delivered. */
async function deliverBatch(options: OutboxRelayOptions, signal: AbortSignal): Promise<boolean> {
  const { db, batchSizeMax = 20, leaseMs = 30_000 } = options;
  const leaseId = randomUUID();
  const events = await db.write<DeliveredEvent>(CLAIM, [batchSizeMax, leaseId, leaseMs]);
  const bound = AbortSignal.any([signal, AbortSignal.timeout(leaseMs)]);
  const delivered = await Promise.all(events.map((event) => deliverOne(options, event, leaseId, bound)));
  return delivered.includes(true);
}

/**
 * The first event of each key, if it is due. A later one is never taken while an earlier one exists, so that a key's
 * events go one by one; rows that another relay is taking at this moment are passed over.
 */
const CLAIM = `
  with head as materialized (
    select seq from outbox_events event
    where due_at <= now()
      and not exists (select from outbox_events earlier where earlier.key = event.key and earlier.seq < event.seq)
    order by seq limit $1 for update skip locked)
  update outbox_events event
  set lease_id = $2, due_at = now() + $3 * interval '1 millisecond', attempts = attempts + 1
  from head where event.seq = head.seq
  returning event.seq, key, type, payload, attempts as attempt, created_at as "createdAt"`;

async function deliverOne(
  { db, deliver, logger }: OutboxRelayOptions,
  event: DeliveredEvent,
  leaseId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { seq, key, type, attempt } = event;
  try {
    await deliver(event, signal);
  } catch (error) {
    const retryMs = Math.min(RETRY_MS_MIN * 2 ** (attempt - 1), RETRY_MS_MAX);
    logger.warn({ err: error, seq: String(seq), key, type, attempt, retryMs }, 'an event was not delivered');
    await db.write(
      `update outbox_events set lease_id = null, due_at = now() + $3 * interval '1 millisecond'
       where seq = $1 and lease_id = $2`,
      [seq, leaseId, retryMs],
    );
    return false;
  }
  await db.write('delete from outbox_events where seq = $1 and lease_id = $2', [seq, leaseId]);
  return true;
}
