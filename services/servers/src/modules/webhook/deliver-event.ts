import type { DeliveredEvent } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type { PostEvent } from './post-event.ts';
import type { AddressedEvent, WebhookStore } from './webhook.store.ts';

/** See createEventDelivery. */
export interface EventDeliveryDeps {
  readonly webhooks: Pick<WebhookStore, 'find' | 'note' | 'noteLost'>;
  readonly post: PostEvent;
  readonly clock: () => Date;
  readonly logger: Logger;
}

/** With pauses that grow to a minute, about an hour: one that its receiver will not have holds the next ones back. */
const ATTEMPTS_MAX = 70;
/** Such an event, having waited behind others or for this service, is tried once: a backlog ends within its age. */
const OLD_MS = 3 * 24 * 60 * 60 * 1_000;

/** Takes one event of the outbox to its webhook; throws when it is to be tried again. */
export function createEventDelivery({
  webhooks,
  post,
  clock,
  logger,
}: EventDeliveryDeps): (event: DeliveredEvent, signal: AbortSignal) => Promise<void> {
  return async ({ payload, attempt, createdAt }, signal) => {
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
      const isOld = clock().getTime() - createdAt.getTime() >= OLD_MS;
      if (attempt < ATTEMPTS_MAX && !isOld) throw error;
      await webhooks.noteLost(webhookId);
      logger.warn({ err: error, webhookId, eventId: event.id }, 'an event is given up: its webhook does not take it');
    }
  };
}
