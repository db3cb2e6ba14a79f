import { defineEntity, p } from '@mikro-orm/postgresql';
import type { WebhookEventType } from './webhook.ts';

/** An address that is told what happens; see `Webhook`. The secret of its signatures follows from its id. */
export const WebhookEntity = defineEntity({
  name: 'Webhook',
  tableName: 'webhooks',
  properties: {
    id: p.uuid().primary(),
    ownerId: p.uuid(),
    url: p.string().length(2048),
    eventTypes: p.json<WebhookEventType[]>(),
    lastDeliveredAt: p.datetime(6).nullable(),
    lastFailure: p.string().length(500).default(''),
    lostEventCount: p.integer().default(0),
    createdAt: p.datetime(6),
  },
  indexes: [{ name: 'webhooks_owner', properties: ['ownerId', 'id'] }],
});
