import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import type { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { callOf } from '../../handler-call.ts';
import { getDatabase } from '../database/get-database.ts';
import { type ImportCollectionDeps, importCollection } from '../import/import-collection.ts';
import { type MoveDatabaseDeps, moveDatabase } from '../move/move-database.ts';
import { toOperationMessage } from './operation.mapper.ts';
import { startOperation } from './start-operation.ts';

type Handlers = Pick<ServiceImpl<typeof DatabaseService>, 'moveDatabase' | 'verifyPlacements' | 'importCollection'>;

/** Handlers of DatabaseService for what outlasts the call. */
export function databaseOperationHandlers(deps: MoveDatabaseDeps & ImportCollectionDeps): Handlers {
  return {
    async moveDatabase({ databaseId, serverId, collection }, context) {
      const scope = ownerScope(requirePrincipal(context));
      const input = { scope, databaseId, serverId, collection };
      return toOperationMessage(await moveDatabase(deps, input, callOf(context)));
    },
    async verifyPlacements({ databaseId, repair }, context) {
      const { ownerId } = await getDatabase(deps.databases, databaseId, ownerScope(requirePrincipal(context)));
      const wanted = { ownerId, databaseId, kind: 'VERIFY', request: { repair } } as const;
      const operation = await startOperation(deps, wanted, ({ request }) => request.repair === repair);
      return toOperationMessage(operation);
    },
    async importCollection({ databaseId, serverId, collection }, context) {
      const scope = ownerScope(requirePrincipal(context));
      const input = { scope, databaseId, serverId, collection };
      return toOperationMessage(await importCollection(deps, input, callOf(context)));
    },
  };
}
