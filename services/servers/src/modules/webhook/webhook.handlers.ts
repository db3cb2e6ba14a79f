import { create } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal, requireUnlimited } from '@morag/auth';
import { DomainError } from '@morag/errors';
import { Webhook_EventTypeSchema, WebhookSchema } from '@morag/gen/morag/servers/v1/webhook_pb.ts';
import { WebhookService } from '@morag/gen/morag/servers/v1/webhook_service_pb.ts';
import { noteBefore, type PageTokens } from '@morag/rpc';
import { enumNames } from '../../enum-names.ts';
import { readPage } from '../../page-reader.ts';
import { type CreateWebhookDeps, createWebhook, getWebhook, webhookNotFound } from './create-webhook.ts';
import { formatSecret } from './signature.ts';
import { type TestWebhookDeps, testWebhook } from './test-webhook.ts';
import type { WebhookStore } from './webhook.store.ts';
import { WEBHOOK_EVENT_TYPES, type Webhook } from './webhook.ts';

/** What the handlers of WebhookService work with. */
export interface WebhookHandlersDeps extends Omit<CreateWebhookDeps & TestWebhookDeps, 'webhooks'> {
  readonly webhooks: WebhookStore;
  /** The key of a webhook's signatures. */
  readonly keyOf: (webhookId: string) => Buffer;
  readonly pageTokens: PageTokens;
}

const eventTypes = enumNames(Webhook_EventTypeSchema, WEBHOOK_EVENT_TYPES);

/** Handlers of WebhookService. What it tells concerns all that an owner has, so that limited keys have no part in it. */
export function webhookHandlers(deps: WebhookHandlersDeps): ServiceImpl<typeof WebhookService> {
  const { webhooks, keyOf, pageTokens } = deps;
  return {
    async createWebhook({ webhook }, context) {
      const principal = requirePrincipal(context);
      requireUnlimited(principal, 'databases:write');
      const types = (webhook?.eventTypes ?? []).flatMap((type) => eventTypes.nameOf(type) ?? []);
      const draft = { ownerId: principal.userId, url: webhook?.url ?? '', eventTypes: types };
      const created = await createWebhook(deps, draft);
      return { webhook: toMessage(created), secret: formatSecret(keyOf(created.id)) };
    },
    async getWebhook({ webhookId }, context) {
      const principal = requirePrincipal(context);
      requireUnlimited(principal, 'databases:read');
      return toMessage(await getWebhook(webhooks, webhookId, ownerScope(principal)));
    },
    async listWebhooks(request, context) {
      const principal = requirePrincipal(context);
      requireUnlimited(principal, 'databases:read');
      const page = await readPage(pageTokens, principal, WebhookService.method.listWebhooks, request, (list) =>
        webhooks.list(list, ownerScope(principal)),
      );
      return { webhooks: page.rows.map(toMessage), nextPageToken: page.nextPageToken };
    },
    async deleteWebhook({ webhookId }, context) {
      const principal = requirePrincipal(context);
      requireUnlimited(principal, 'databases:write');
      await noteBefore(context, WebhookSchema, async () =>
        toMessage(await getWebhook(webhooks, webhookId, ownerScope(principal))),
      );
      if (!(await webhooks.remove(webhookId, ownerScope(principal)))) webhookNotFound(webhookId);
      return {};
    },
    async testWebhook({ webhookId }, context) {
      const principal = requirePrincipal(context);
      requireUnlimited(principal, 'databases:write');
      return testWebhook(deps, { id: webhookId, scope: ownerScope(principal) }, context.signal);
    },
    async announceEvent({ ownerId, eventId, type: number, time, data = {} }) {
      const type = eventTypes.nameOf(number);
      if (!type || !time) throw new DomainError('INVALID_ARGUMENT', 'The event has no type or time.');
      await webhooks.announceOther({ ownerId }, { id: eventId, type, time: timestampDate(time).toISOString(), data });
      return {};
    },
  };
}

function toMessage({
  id,
  ownerId,
  url,
  eventTypes: types,
  lastDeliveredAt,
  lastFailure,
  lostEventCount,
  createdAt,
}: Webhook) {
  return create(WebhookSchema, {
    id,
    ownerId,
    url,
    eventTypes: types.map((type) => eventTypes.valueOf(type)),
    lastDeliveryTime: lastDeliveredAt ? timestampFromDate(lastDeliveredAt) : undefined,
    lastFailure,
    lostEventCount,
    createTime: timestampFromDate(createdAt),
  });
}
