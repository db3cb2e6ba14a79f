import type { Egress } from '@morag/egress';
import type { DeliveredEvent } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import { signatureHeaders } from './signature.ts';
import type { AddressedEvent, WebhookStore } from './webhook.store.ts';

/** See createEventDelivery. */
export interface EventDeliveryDeps {
  readonly webhooks: Pick<WebhookStore, 'find' | 'note'>;
  readonly egress: Egress;
  /** The key of a webhook's signatures. */
  readonly keyOf: (webhookId: string) => Buffer;
  readonly clock: () => Date;
  readonly logger: Logger;
}

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** With pauses that grow to a minute, about an hour. */
const ATTEMPTS_MAX = 70;

/** Posts one event of the outbox to its webhook; throws when it is to be tried again. */
export function createEventDelivery(
  deps: EventDeliveryDeps,
): (event: DeliveredEvent, signal: AbortSignal) => Promise<void> {
  const { webhooks, logger } = deps;
  return async ({ payload, attempt }, signal) => {
    const { webhookId, event } = payload as AddressedEvent;
    const webhook = await webhooks.find(webhookId, {});
    if (!webhook) return;
    try {
      await post(deps, webhook, event, signal);
      await webhooks.note(webhookId, '');
    } catch (error) {
      await webhooks.note(webhookId, error instanceof Error ? error.message : String(error));
      if (attempt < ATTEMPTS_MAX) throw error;
      logger.warn({ err: error, webhookId, eventId: event.id }, 'an event is given up: its webhook does not take it');
    }
  };
}

async function post(
  { egress, keyOf, clock }: EventDeliveryDeps,
  { id, url }: { readonly id: string; readonly url: string },
  event: AddressedEvent['event'],
  signal: AbortSignal,
): Promise<void> {
  const { protocol, hostname, port, origin, pathname, search } = new URL(url);
  const isSecure = protocol === 'https:';
  const body = JSON.stringify(event);
  // A redirect is an error there, and every address that the name leads to is checked.
  const dispatcher = egress.dispatcher({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || (isSecure ? 443 : 80)),
    tls: isSecure ? {} : undefined,
    connections: 1,
    connectTimeoutMs: TIMEOUT_MS,
    answerBytesMax: ANSWER_BYTES_MAX,
  });
  try {
    const answer = await dispatcher.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signatureHeaders(keyOf(id), event.id, clock(), body) },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await answer.body.dump({ limit: ANSWER_BYTES_MAX });
    if (answer.statusCode < 200 || answer.statusCode > 299) throw new Error(`It answered ${answer.statusCode}.`);
  } finally {
    await dispatcher.destroy();
  }
}
