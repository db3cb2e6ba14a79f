import {
  appendEvent,
  type Em,
  equals,
  type ListRequest,
  type ListSpec,
  listPage,
  type Database as Orm,
  type Page,
  query,
} from '@morag/orm';
import type { Scope } from '../server/server.ts';
import type { Webhook, WebhookEvent, WebhookEventType } from './webhook.ts';

/** Of events in the outbox that are for a webhook. */
export const WEBHOOK_EVENT = 'webhook.event';

/** An event in the outbox, and for whom. */
export interface AddressedEvent {
  readonly webhookId: string;
  readonly event: WebhookEvent;
}

/** Webhooks in PostgreSQL. */
export interface WebhookStore {
  /** False when the owner has `max` of them already. */
  insert(webhook: Pick<Webhook, 'id' | 'ownerId' | 'url' | 'eventTypes'>, max: number): Promise<boolean>;
  find(id: string, scope: Scope): Promise<Webhook | undefined>;
  list(request: ListRequest, scope: Scope): Promise<Page<Webhook>>;
  /** False when there is no such webhook. */
  remove(id: string, scope: Scope): Promise<boolean>;
  /** Of an owner who is gone. */
  removeAll(ownerId: string): Promise<void>;
  /** In the transaction of what happened: told to every webhook of the database's owner that wants to know. */
  announce(em: Em, databaseId: string, event: WebhookEvent): Promise<void>;
  /** What came of an attempt; an empty failure is a success. */
  note(id: string, failure: string): Promise<void>;
}

interface WebhookRow {
  readonly id: string;
  readonly owner_id: string;
  readonly url: string;
  readonly event_types: readonly WebhookEventType[];
  readonly last_delivered_at: Date | null;
  readonly last_failure: string;
  readonly created_at: Date;
}

const WEBHOOKS: ListSpec = {
  from: 'webhooks',
  columns: '*',
  // Ids are in the order of time.
  id: 'id',
  filter: {},
  order: { id: { column: 'id', type: 'uuid' } },
  defaultOrder: 'id desc',
};

const MINE = 'id = $1 and ($2::uuid is null or owner_id = $2)';
const FAILURE_MAX = 500;

/** Creates the store. */
export function createWebhookStore(db: Orm): WebhookStore {
  return {
    async insert({ id, ownerId, url, eventTypes }, max) {
      const rows = await db.write(
        `insert into webhooks (id, owner_id, url, event_types, created_at)
         select $1, $2, $3, $4::jsonb, now() where (select count(*) from webhooks where owner_id = $2) < $5 returning id`,
        [id, ownerId, url, JSON.stringify(eventTypes), max],
      );
      return rows.length > 0;
    },
    async find(id, { ownerId }) {
      const [row] = await db.read<WebhookRow>(`select * from webhooks where ${MINE}`, [id, ownerId]);
      return row && toWebhook(row);
    },
    async list(request, { ownerId }) {
      const page = await listPage<WebhookRow>(db, WEBHOOKS, request, ownerId ? [equals('owner_id', ownerId)] : []);
      return { rows: page.rows.map(toWebhook), next: page.next };
    },
    async remove(id, { ownerId }) {
      return (await db.write(`delete from webhooks where ${MINE} returning id`, [id, ownerId])).length > 0;
    },
    async removeAll(ownerId) {
      await db.write('delete from webhooks where owner_id = $1', [ownerId]);
    },
    async announce(em, databaseId, event) {
      const told = await query<{ id: string }>(
        em,
        `select w.id from webhooks w join databases d on d.owner_id = w.owner_id
         where d.id = $1 and (w.event_types = '[]'::jsonb or w.event_types @> to_jsonb($2::text)) order by w.id`,
        [databaseId, event.type],
      );
      for (const { id: webhookId } of told) {
        const payload: AddressedEvent = { webhookId, event };
        await appendEvent(em, { key: `webhook/${webhookId}`, type: WEBHOOK_EVENT, payload });
      }
    },
    async note(id, failure) {
      await db.write(
        `update webhooks set last_failure = $2::text,
           last_delivered_at = case when $2::text = '' then now() else last_delivered_at end where id = $1`,
        [id, failure.slice(0, FAILURE_MAX)],
      );
    },
  };
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    ownerId: row.owner_id,
    url: row.url,
    eventTypes: row.event_types,
    lastDeliveredAt: row.last_delivered_at,
    lastFailure: row.last_failure,
    createdAt: row.created_at,
  };
}
