import { newId } from '@morag/orm';
import type { Scope } from '../server/server.ts';
import { getWebhook } from './create-webhook.ts';
import type { PostEvent } from './post-event.ts';
import type { WebhookStore } from './webhook.store.ts';

/** See testWebhook. */
export interface TestWebhookDeps {
  readonly webhooks: Pick<WebhookStore, 'find' | 'note'>;
  readonly post: PostEvent;
  readonly clock: () => Date;
}

/** What came of it. */
export interface WebhookTest {
  readonly success: boolean;
  readonly message: string;
  readonly responseTimeMs: number;
}

/** Posts an event of no consequence to a webhook, once. */
export async function testWebhook(
  { webhooks, post, clock }: TestWebhookDeps,
  { id, scope }: { readonly id: string; readonly scope: Scope },
  signal: AbortSignal,
): Promise<WebhookTest> {
  const webhook = await getWebhook(webhooks, id, scope);
  const event = { id: newId(), type: 'TEST', time: clock().toISOString(), data: { webhookId: id } } as const;
  const startedAtMs = performance.now();
  const failure = await post(webhook, event, signal).then(
    () => '',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const responseTimeMs = Math.round(performance.now() - startedAtMs);
  signal.throwIfAborted();
  await webhooks.note(id, failure);
  return { success: failure === '', message: failure || 'It took the event.', responseTimeMs };
}
