import type { Egress } from '@morag/egress';
import { signatureHeaders } from './signature.ts';
import type { Webhook, WebhookEvent } from './webhook.ts';

/** Posts an event to a webhook, signed; rejects unless it is taken (2xx), with what to tell its owner. */
export type PostEvent = (
  webhook: Pick<Webhook, 'id' | 'url'>,
  event: WebhookEvent,
  signal: AbortSignal,
) => Promise<void>;

/** See createEventPost. */
export interface EventPostDeps {
  readonly egress: Pick<Egress, 'dispatcher'>;
  /** The key of a webhook's signatures. */
  readonly keyOf: (webhookId: string) => Buffer;
  readonly clock: () => Date;
}

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/** Creates it. */
export function createEventPost({ egress, keyOf, clock }: EventPostDeps): PostEvent {
  return async ({ id, url }, event, signal) => {
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
  };
}
