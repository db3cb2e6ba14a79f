import type { DeliveredEvent } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type { PostEvent } from './post-event.ts';
import type { AddressedEvent, WebhookStore } from './webhook.store.ts';

/** See createEventDelivery. */
export interface EventDeliveryDeps {
  readonly webhooks: Pick<WebhookStore, 'find' | 'note'>;
  readonly post: PostEvent;
  readonly logger: Logger;
}

/** With pauses that grow to a minute, about an hour. */
const ATTEMPTS_MAX = 70;

/** Takes one event of the outbox to its webhook; throws when it is to be tried again. */
export function createEventDelivery({
  webhooks,
  post,
  logger,
}: EventDeliveryDeps): (event: DeliveredEvent, signal: AbortSignal) => Promise<void> {
  return async ({ payload, attempt }, signal) => {
    const { webhookId, event } = payload as AddressedEvent;
    const webhook = await webhooks.find(webhookId, {});
    if (!webhook) return;
    try {
      await post(webhook, event, signal);
      await webhooks.note(webhookId, '');
    } catch (error) {
      // Ended from here: it says nothing of the webhook.
      if (signal.aborted) throw error;
      await webhooks.note(webhookId, error instanceof Error ? error.message : String(error));
      if (attempt < ATTEMPTS_MAX) throw error;
      logger.warn({ err: error, webhookId, eventId: event.id }, 'an event is given up: its webhook does not take it');
    }
  };
}
