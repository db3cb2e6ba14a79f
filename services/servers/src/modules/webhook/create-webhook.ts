import { type Egress, EgressDenied } from '@morag/egress';
import { DomainError } from '@morag/errors';
import { newId } from '@morag/orm';
import type { WebhookStore } from './webhook.store.ts';
import type { Webhook } from './webhook.ts';

/** See createWebhook. */
export interface CreateWebhookDeps {
  readonly webhooks: Pick<WebhookStore, 'insert' | 'find'>;
  readonly egress: Pick<Egress, 'resolve'>;
}

/** Registers a webhook. Its address is checked now, if it can be, and at each connection. */
export async function createWebhook(
  { webhooks, egress }: CreateWebhookDeps,
  draft: Pick<Webhook, 'ownerId' | 'url' | 'eventTypes'>,
): Promise<Webhook> {
  const id = newId();
  await checkUrl(egress, draft.url);
  await webhooks.insert({ id, ...draft });
  return getWebhook(webhooks, id, draft);
}

/** A webhook that the caller may see. */
export async function getWebhook(
  webhooks: Pick<WebhookStore, 'find'>,
  id: string,
  scope: { readonly ownerId?: string },
): Promise<Webhook> {
  return (await webhooks.find(id, scope)) ?? webhookNotFound(id);
}

/** Another owner's is as absent as one that does not exist. */
export function webhookNotFound(webhookId: string): never {
  throw new DomainError('WEBHOOK_NOT_FOUND', 'There is no such webhook.', { metadata: { webhookId } });
}

async function checkUrl(egress: Pick<Egress, 'resolve'>, text: string): Promise<void> {
  const url = URL.parse(text);
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (!url || !isHttp || url.username !== '' || url.password !== '' || url.hash !== '') {
    const description = 'must be an http or https URL without credentials and fragment';
    throw new DomainError('INVALID_ARGUMENT', `url ${description}.`, {
      violations: [{ field: 'webhook.url', description }],
    });
  }
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  try {
    await egress.resolve(url.hostname.replace(/^\[|\]$/g, ''), port);
  } catch (error) {
    // A name that leads nowhere now may do so later.
    if (!(error instanceof EgressDenied)) return;
    throw new DomainError('HOST_NOT_ALLOWED', error.message, {
      violations: [{ field: 'webhook.url', description: 'is not allowed by this installation' }],
      cause: error,
    });
  }
}
