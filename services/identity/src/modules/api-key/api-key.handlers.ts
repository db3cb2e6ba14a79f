import { create } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import { ApiKeySchema } from '@morag/gen/morag/identity/v1/api_key_pb.ts';
import {
  ApiKeyService,
  ListApiKeysResponseSchema,
  ListApiKeyUsageResponseSchema,
} from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { User_UserRole } from '@morag/gen/morag/identity/v1/user_pb.ts';
import type { Cursor } from '@morag/orm';
import { methodName, noteBefore, type PageTokens, updatedFields } from '@morag/rpc';
import { changesOf, fromApiKey, toApiKey, toUsage } from './api-key.mapping.ts';
import { listApiKeys, readApiKey } from './api-key.store.ts';
import { type ApiKeyDeps, createApiKey, revokeApiKey, rotateApiKey, updateApiKey } from './change-api-key.ts';
import { addUsage, readUsage, type UsageCursor } from './usage.store.ts';
import { verifyApiKey } from './verify-api-key.ts';

/** What the handlers of keys need. */
export type ApiKeyHandlersDeps = ApiKeyDeps & { readonly pageTokens: PageTokens };

const PAGE_SIZE_DEFAULT = 50;

/** ApiKeyService over the use cases. */
export function apiKeyHandlers(deps: ApiKeyHandlersDeps): ServiceImpl<typeof ApiKeyService> {
  const { db } = deps;
  return {
    async createApiKey({ apiKey = create(ApiKeySchema) }, context) {
      const input = { principal: requirePrincipal(context), spec: fromApiKey(apiKey) };
      const { row, key } = await createApiKey(deps, input, context.signal);
      return { apiKey: toApiKey(row), secret: key };
    },
    async getApiKey({ apiKeyId }, context) {
      return toApiKey(await readApiKey(db, apiKeyId, ownerScope(requirePrincipal(context))));
    },
    async updateApiKey(request, context) {
      const key = request.apiKey ?? create(ApiKeySchema);
      const changes = changesOf(key, updatedFields(ApiKeySchema, key, request.updateMask));
      const principal = requirePrincipal(context);
      await noteBefore(context, ApiKeySchema, async () =>
        toApiKey(await readApiKey(db, request.apiKeyId, { ownerId: principal.userId })),
      );
      const input = { principal, id: request.apiKeyId, changes, etag: key.etag };
      return toApiKey(await updateApiKey(deps, input, context.signal));
    },
    async rotateApiKey({ apiKeyId: id, overlap }, context) {
      const input = { principal: requirePrincipal(context), id, overlapMs: overlap ? durationMs(overlap) : 0 };
      const { row, key } = await rotateApiKey(deps, input, context.signal);
      return { apiKey: toApiKey(row), secret: key };
    },
    async revokeApiKey({ apiKeyId: id }, context) {
      const input = { id, scope: ownerScope(requirePrincipal(context)) };
      return toApiKey(await revokeApiKey(deps, input, context.signal));
    },
    async verifyApiKey({ key, address }) {
      const { row, permissions, ownerRole, cacheForMs } = await verifyApiKey(deps, { key, address });
      return {
        apiKey: toApiKey({ ...row, permissions: [...permissions].sort() }),
        cacheFor: durationFromMs(cacheForMs),
        ownerRole: User_UserRole[ownerRole],
      };
    },
    async recordApiKeyUsage(batch, { signal }) {
      await addUsage(db, batch, signal);
      return {};
    },
    ...listHandlers(deps),
  };
}

function listHandlers({
  db,
  pageTokens,
}: ApiKeyHandlersDeps): Pick<ServiceImpl<typeof ApiKeyService>, 'listApiKeys' | 'listApiKeyUsage'> {
  return {
    async listApiKeys({ pageSize, pageToken, filter, orderBy }, context) {
      const { userId } = requirePrincipal(context);
      const method = methodName(ApiKeyService.method.listApiKeys);
      const binding = { caller: userId, method, query: { filter, orderBy } };
      const cursor = pageTokens.decode<Cursor>(binding, pageToken);
      const page = await listApiKeys(db, userId, { pageSize, cursor, filter, orderBy });
      return create(ListApiKeysResponseSchema, {
        apiKeys: page.rows.map(toApiKey),
        nextPageToken: page.next ? pageTokens.encode(binding, page.next) : '',
      });
    },
    async listApiKeyUsage({ apiKeyId, pageSize, pageToken }, context) {
      const principal = requirePrincipal(context);
      const method = methodName(ApiKeyService.method.listApiKeyUsage);
      const binding = { caller: principal.userId, method, query: apiKeyId };
      const cursor = pageTokens.decode<UsageCursor>(binding, pageToken);
      await readApiKey(db, apiKeyId, ownerScope(principal));
      const size = pageSize || PAGE_SIZE_DEFAULT;
      const rows = await readUsage(db, apiKeyId, cursor, size);
      const last = rows.length > size ? rows[size - 1] : undefined;
      return create(ListApiKeyUsageResponseSchema, {
        usage: rows.slice(0, size).map(toUsage),
        nextPageToken: last ? pageTokens.encode(binding, [last.day, last.method]) : '',
      });
    },
  };
}
