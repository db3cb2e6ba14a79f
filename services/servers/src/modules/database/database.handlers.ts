import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal, requireUnlimited } from '@morag/auth';
import { type Database as DatabaseMessage, DatabaseSchema } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { DatabaseService, type UpdateDatabaseRequest } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { noteBefore, type PageTokens, updatedFields } from '@morag/rpc';
import { callOf } from '../../handler-call.ts';
import { readPage } from '../../page-reader.ts';
import { databaseNotFound } from '../log/group-commit.ts';
import type { PlacementStore } from '../placement/placement.store.ts';
import { type CreateDatabaseDeps, createDatabase } from './create-database.ts';
import { fromDatabaseMessage, metrics, toDatabaseMessage } from './database.mapper.ts';
import type { DatabaseChanges, DatabaseStore } from './database.store.ts';
import { type DeleteDatabaseDeps, deleteDatabase } from './delete-database.ts';
import { getDatabase } from './get-database.ts';
import { type FixedFields, updateDatabase } from './update-database.ts';

/** What the handlers of DatabaseService work with. */
export interface DatabaseHandlersDeps
  extends Omit<CreateDatabaseDeps, 'databases'>,
    Omit<DeleteDatabaseDeps, 'placements'> {
  readonly databases: DatabaseStore;
  readonly placements: PlacementStore;
  readonly pageTokens: PageTokens;
  readonly onChanged: (databaseId: string) => void;
}

type Handlers = Pick<
  ServiceImpl<typeof DatabaseService>,
  'createDatabase' | 'getDatabase' | 'listDatabases' | 'updateDatabase' | 'deleteDatabase' | 'setDocumentCount'
>;

/** Handlers of DatabaseService for the databases themselves. */
export function databaseHandlers(deps: DatabaseHandlersDeps): Handlers {
  const { databases } = deps;
  const note = (databaseId: string, context: HandlerContext): Promise<void> =>
    noteBefore(context, DatabaseSchema, async () =>
      toDatabaseMessage(await getDatabase(databases, databaseId, ownerScope(requirePrincipal(context)))),
    );
  return {
    async createDatabase({ database }, context) {
      const message = required(database);
      const principal = requirePrincipal(context);
      requireUnlimited(principal, 'databases:write');
      const { userId: ownerId } = principal;
      const { serverId, collection } = message;
      const input = { ownerId, spec: fromDatabaseMessage(message), serverId, collection };
      return toDatabaseMessage(await createDatabase(deps, input, callOf(context)));
    },
    async getDatabase({ databaseId }, context) {
      return toDatabaseMessage(await getDatabase(databases, databaseId, ownerScope(requirePrincipal(context))));
    },
    async listDatabases(request, context) {
      const principal = requirePrincipal(context);
      const { listDatabases } = DatabaseService.method;
      const page = await readPage(deps.pageTokens, principal, listDatabases, request, (list) =>
        databases.list(list, ownerScope(principal)),
      );
      return { databases: page.rows.map(toDatabaseMessage), nextPageToken: page.nextPageToken };
    },
    async updateDatabase(request, context) {
      const scope = ownerScope(requirePrincipal(context));
      const { etag } = required(request.database);
      const input = { id: request.databaseId, scope, etag, ...changesIn(request) };
      await note(input.id, context);
      return toDatabaseMessage(await updateDatabase(deps, input));
    },
    async deleteDatabase({ databaseId }, context) {
      await note(databaseId, context);
      await deleteDatabase(deps, databaseId, ownerScope(requirePrincipal(context)));
      return {};
    },
    async setDocumentCount({ databaseId, documentCount, revision }) {
      if (!(await databases.setDocumentCount(databaseId, documentCount, revision))) throw databaseNotFound(databaseId);
      return {};
    },
  };
}

/** What an update changes, and what it names that never changes. */
function changesIn({ database, updateMask }: UpdateDatabaseRequest): { changes: DatabaseChanges; fixed: FixedFields } {
  const message = required(database);
  const names = updatedFields(DatabaseSchema, message, updateMask);
  const { name, description, readPolicy, writePolicy, vectorWeight, ...spec } = fromDatabaseMessage(message);
  const { embeddingProvider, embeddingModel, readPreference, failBack, failBackDelaySeconds } = spec;
  return {
    changes: {
      ...(names.has('name') && { name }),
      ...(names.has('description') && { description }),
      ...(names.has('embedding') && { embeddingProvider, embeddingModel }),
      ...(names.has('read_policy') && { readPolicy }),
      ...(names.has('write_policy') && { writePolicy }),
      ...(names.has('vector_weight') && { vectorWeight }),
      ...(names.has('read_preference') && { readPreference }),
      ...(names.has('fail_back') && { failBack, failBackDelaySeconds }),
    },
    fixed: {
      ...(names.has('dimension') && { dimension: message.dimension }),
      ...(names.has('metric') && { metric: metrics.nameOf(message.metric) ?? 'cosine' }),
      ...(names.has('server_id') && { serverId: message.serverId }),
      ...(names.has('collection') && { collection: message.collection }),
    },
  };
}

/** Validation has seen to it that the resource is there. */
function required(database: DatabaseMessage | undefined): DatabaseMessage {
  if (!database) throw new Error('the request has no database although it is required');
  return database;
}
