import {
  appendEvent,
  dropOldEvents,
  type Em,
  equals,
  type ListRequest,
  listPage,
  type Database as Orm,
  type Page,
  query,
} from '@morag/orm';
import { newestFirst } from '../../newest-first.ts';
import type { HoldQuota } from '../quota/quota.store.ts';
import type { Scope } from '../server/server.ts';
import type { Webhook, WebhookEvent, WebhookEventType } from './webhook.ts';

/** Of events in the outbox that are for a webhook. */
export const WEBHOOK_EVENT = 'webhook.event';

/** An event in the outbox, and for whom. */
export interface AddressedEvent {
  readonly webhookId: string;
  readonly event: WebhookEvent;
}

/** Whose webhooks: an owner's, or those of a database's owner. */
export type Whose = { readonly ownerId: string } | { readonly databaseId: string };

/** What a webhook is made of. */
type NewWebhook = Pick<Webhook, 'id' | 'ownerId' | 'url' | 'eventTypes'>;

/** Webhooks in PostgreSQL. */
export interface WebhookStore {
  /** QUOTA_EXCEEDED. */
  insert(webhook: NewWebhook): Promise<void>;
  find(id: string, scope: Scope): Promise<Webhook | undefined>;
  list(request: ListRequest, scope: Scope): Promise<Page<Webhook>>;
  /** False when there is no such webhook. */
  remove(id: string, scope: Scope): Promise<boolean>;
  /** Of an owner who is gone. */
  removeAll(ownerId: string): Promise<void>;
  /** In the transaction of what happened: told to every webhook of the owner that wants to know. */
  announce(em: Em, whose: Whose, event: WebhookEvent): Promise<void>;
  /** The same in a transaction of its own, of what happened in another service. */
  announceOther(whose: Whose, event: WebhookEvent): Promise<void>;
  /** What came of an attempt; an empty failure is a success. */
  note(id: string, failure: string): Promise<void>;
  /** An event is given up. */
  noteLost(id: string): Promise<void>;
}

interface WebhookRow {
  readonly id: string;
  readonly owner_id: string;
  readonly url: string;
  readonly event_types: readonly WebhookEventType[];
  readonly last_delivered_at: Date | null;
  readonly last_failure: string;
  readonly lost_event_count: number;
  readonly created_at: Date;
}

const WEBHOOKS = newestFirst('webhooks');

const MINE = 'id = $1 and ($2::uuid is null or owner_id = $2)';
const FAILURE_MAX = 500;
/** Events for one webhook: beyond it the oldest is lost, so that a receiver that is gone for good fills nothing. */
const WAITING_MAX = 1_000;

const COUNT_LOST = 'update webhooks set lost_event_count = lost_event_count + $2 where id = $1';

/** Creates the store. */
export function createWebhookStore(db: Orm, holdQuota: HoldQuota): WebhookStore {
  const announce: WebhookStore['announce'] = async (em, whose, event) => {
    const [owner, id] =
      'ownerId' in whose
        ? ['$1::uuid', whose.ownerId]
        : ['(select owner_id from databases where id = $1)', whose.databaseId];
    const told = await query<{ id: string }>(
      em,
      `select id from webhooks
       where owner_id = ${owner} and (event_types = '[]'::jsonb or event_types @> to_jsonb($2::text)) order by id`,
      [id, event.type],
    );
    for (const { id: webhookId } of told) {
      const payload: AddressedEvent = { webhookId, event };
      const key = `webhook/${webhookId}`;
      await appendEvent(em, { key, type: WEBHOOK_EVENT, payload });
      const lost = await dropOldEvents(em, { key, max: WAITING_MAX });
      if (lost > 0) await query(em, COUNT_LOST, [webhookId, lost]);
    }
  };
  return {
    announce,
    announceOther: (whose, event) => db.transaction((em) => announce(em, whose, event)),
    insert: (webhook) =>
      db.transaction(async (em) => {
        await holdQuota(em, 'webhooks', webhook.ownerId);
        await insert(em, webhook);
      }),
    async find(id, { ownerId }) {
      const [row] = await db.read<WebhookRow>(`select * from webhooks where ${MINE}`, [id, ownerId]);
      return row && toWebhook(row);
    },
    async list(request, { ownerId }) {
      const page = await listPage<WebhookRow>(db, WEBHOOKS, request, ownerId ? [equals('owner_id', ownerId)] : []);
      return { rows: page.rows.map(toWebhook), next: page.next };
    },
    async remove(id, { ownerId }) {
      return (await db.change(`delete from webhooks where ${MINE} returning id`, [id, ownerId])).length > 0;
    },
    async removeAll(ownerId) {
      await db.write('delete from webhooks where owner_id = $1', [ownerId]);
    },
    async note(id, failure) {
      await db.write(
        `update webhooks set last_failure = $2::text,
           last_delivered_at = case when $2::text = '' then now() else last_delivered_at end where id = $1`,
        [id, failure.slice(0, FAILURE_MAX)],
      );
    },
    async noteLost(id) {
      await db.write(COUNT_LOST, [id, 1]);
    },
  };
}

async function insert(em: Em, { id, ownerId, url, eventTypes }: NewWebhook): Promise<void> {
  await query(
    em,
    `insert into webhooks (id, owner_id, url, event_types, created_at) values ($1, $2, $3, $4::jsonb, now())`,
    [id, ownerId, url, JSON.stringify(eventTypes)],
  );
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    ownerId: row.owner_id,
    url: row.url,
    eventTypes: row.event_types,
    lastDeliveredAt: row.last_delivered_at,
    lastFailure: row.last_failure,
    lostEventCount: row.lost_event_count,
    createdAt: row.created_at,
  };
}
