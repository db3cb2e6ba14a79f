import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import { DomainError } from '@morag/errors';
import {
  Collection_StateSchema,
  type Collection as CollectionMessage,
  CollectionSchema,
  CollectionService,
} from '@morag/gen/morag/servers/v1/collection_service_pb.ts';
import { methodName, type PageTokens } from '@morag/rpc';
import { enumNames } from '../../enum-names.ts';
import { callOf } from '../../handler-call.ts';
import { metrics } from '../database/database.mapper.ts';
import {
  type Collection,
  type CollectionsDeps,
  createCollection,
  deleteCollection,
  getCollection,
  listCollections,
} from './collections.ts';

/** What the handlers of CollectionService work with. */
export interface CollectionHandlersDeps extends CollectionsDeps {
  readonly pageTokens: PageTokens;
}

const PAGE_SIZE_DEFAULT = 50;

const states = enumNames(Collection_StateSchema, ['ready', 'building', 'degraded', 'failed', 'terminating']);

/** Handlers of CollectionService. */
export function collectionHandlers(deps: CollectionHandlersDeps): ServiceImpl<typeof CollectionService> {
  return {
    async listCollections({ serverId, pageSize, pageToken }, context) {
      const principal = requirePrincipal(context);
      const method = methodName(CollectionService.method.listCollections);
      const binding = { caller: principal.userId, method, query: serverId };
      const cursor = deps.pageTokens.decode<string>(binding, pageToken);
      const input = { serverId, scope: ownerScope(principal), limit: pageSize || PAGE_SIZE_DEFAULT, cursor };
      const { collections, nextCursor } = await listCollections(deps, input, callOf(context));
      return {
        collections: collections.map(toCollectionMessage),
        nextPageToken: nextCursor === undefined ? '' : deps.pageTokens.encode(binding, nextCursor),
      };
    },
    async getCollection({ serverId, collection: name }, context) {
      const input = { serverId, name, scope: ownerScope(requirePrincipal(context)) };
      return toCollectionMessage(await getCollection(deps, input, callOf(context)));
    },
    async createCollection({ serverId, collection }, context) {
      if (!collection) throw new DomainError('INVALID_ARGUMENT', 'The collection is missing.');
      const { name, dimension } = collection;
      const metric = metrics.nameOf(collection.metric) ?? 'cosine';
      const input = { serverId, name, dimension, metric, scope: ownerScope(requirePrincipal(context)) };
      return toCollectionMessage(await createCollection(deps, input, callOf(context)));
    },
    async deleteCollection({ serverId, collection: name }, context) {
      await deleteCollection(deps, { serverId, name, scope: ownerScope(requirePrincipal(context)) }, callOf(context));
      return {};
    },
  };
}

function toCollectionMessage(collection: Collection): CollectionMessage {
  const { nativeName, createdByUs, sizeBytes, indexedRecords } = collection;
  return create(CollectionSchema, {
    name: collection.name,
    dimension: collection.dimension ?? 0,
    metric: collection.metric === null ? 0 : metrics.valueOf(collection.metric),
    recordCount: collection.recordCount,
    state: states.valueOf(collection.state),
    databaseId: collection.databaseId,
    details: {
      nativeName,
      createdByUs,
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(indexedRecords !== undefined && { indexedRecords }),
    },
  });
}
