import { type Em, query } from './database.ts';

/** What happened. */
export interface NewEvent {
  /** Whose order matters: an aggregate's id. */
  readonly key: string;
  /** For example `user.deleted`. */
  readonly type: string;
  /** JSON, without secrets. */
  readonly payload: unknown;
}

/** Which of a key's events to keep. */
export interface KeptEvents {
  readonly key: string;
  /** The newest so many. */
  readonly max: number;
}

/** The channel on which relays are woken. */
export function outboxChannel(schema: string): string {
  return `outbox_${schema}`;
}

/**
 * Writes an event in the caller's transaction: it is delivered if and only if that commits. Appends to one key wait for
 * each other, so that the order of numbers is the order of commits and nobody sees the later event first.
 */
export async function appendEvent(em: Em, { key, type, payload }: NewEvent): Promise<void> {
  if (!em.isInTransaction()) throw new Error('an event is appended in the transaction of what it tells');
  await query(em, "select pg_advisory_xact_lock(hashtextextended('outbox/' || $1, 0))", [key]);
  await query(
    em,
    `insert into outbox_events (key, type, payload, attempts, due_at, created_at)
     values ($1, $2, $3::jsonb, 0, now(), now())`,
    [key, type, JSON.stringify(payload)],
  );
  await query(em, "select pg_notify('outbox_' || current_schema(), '')");
}

/**
 * Gives up the oldest events of a key beyond a number, but for one that is being delivered; answers how many. Right after
 * `appendEvent`, in the same transaction: that holds the key's lock.
 */
export async function dropOldEvents(em: Em, { key, max }: KeptEvents): Promise<number> {
  const dropped = await query(
    em,
    `delete from outbox_events where key = $1 and (lease_id is null or due_at <= now())
       and seq <= (select seq from outbox_events where key = $1 order by seq desc offset $2 limit 1)
     returning seq`,
    [key, max],
  );
  return dropped.length;
}
