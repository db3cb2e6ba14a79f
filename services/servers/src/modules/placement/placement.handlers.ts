import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import type { PageTokens } from '@morag/rpc';
import { callOf } from '../../handler-call.ts';
import { readPage } from '../../page-reader.ts';
import type { DatabaseStore } from '../database/database.store.ts';
import { getDatabase } from '../database/get-database.ts';
import { type CreatePlacementDeps, createPlacement } from './create-placement.ts';
import { type DeletePlacementDeps, deletePlacement, findPlacement } from './delete-placement.ts';
import { toPlacementMessage, toQuarantinedMessage } from './placement.mapper.ts';
import type { PlacementStore } from './placement.store.ts';
import type { ReplicaStore } from './replica.store.ts';
import { type ResolveQuarantineDeps, resolveQuarantine } from './resolve-quarantine.ts';

/** What the handlers for placements work with. */
export interface PlacementHandlersDeps
  extends Omit<CreatePlacementDeps, 'databases' | 'replicas'>,
    Omit<DeletePlacementDeps, 'databases' | 'replicas' | 'placements'>,
    Omit<ResolveQuarantineDeps, 'databases' | 'placements'> {
  readonly databases: Pick<DatabaseStore, 'find'>;
  readonly placements: Pick<PlacementStore, 'list' | 'quarantined'>;
  readonly replicas: ReplicaStore;
  readonly pageTokens: PageTokens;
}

type Handlers = Pick<
  ServiceImpl<typeof DatabaseService>,
  | 'createPlacement'
  | 'getPlacement'
  | 'listPlacements'
  | 'deletePlacement'
  | 'listQuarantinedRecords'
  | 'resolveQuarantine'
>;

/** Handlers of DatabaseService for the placements of a database. */
export function placementHandlers(deps: PlacementHandlersDeps): Handlers {
  const { databases, placements, pageTokens } = deps;
  return {
    async createPlacement({ databaseId, placement }, context) {
      const scope = ownerScope(requirePrincipal(context));
      const { serverId = '', collection = '' } = placement ?? {};
      const placementId = await createPlacement(deps, { scope, databaseId, serverId, collection }, callOf(context));
      return toPlacementMessage(await findPlacement(deps, { scope, databaseId, placementId }));
    },
    async getPlacement({ databaseId, placementId }, context) {
      const scope = ownerScope(requirePrincipal(context));
      return toPlacementMessage(await findPlacement(deps, { scope, databaseId, placementId }));
    },
    async listPlacements({ databaseId }, context) {
      await getDatabase(databases, databaseId, ownerScope(requirePrincipal(context)));
      return { placements: (await placements.list(databaseId)).map(toPlacementMessage) };
    },
    async deletePlacement({ databaseId, placementId }, context) {
      const scope = ownerScope(requirePrincipal(context));
      await deletePlacement(deps, { scope, databaseId, placementId });
      return {};
    },
    async listQuarantinedRecords(request, context) {
      const principal = requirePrincipal(context);
      const { databaseId, placementId } = request;
      const { id } = await findPlacement(deps, { scope: ownerScope(principal), databaseId, placementId });
      const { listQuarantinedRecords } = DatabaseService.method;
      const page = await readPage(pageTokens, principal, listQuarantinedRecords, request, (list) =>
        placements.quarantined(id, list),
      );
      return { records: page.rows.map(toQuarantinedMessage), nextPageToken: page.nextPageToken };
    },
    async resolveQuarantine({ databaseId, placementId, recordIds, drop }, context) {
      const scope = ownerScope(requirePrincipal(context));
      const input = { scope, databaseId, placementId, recordIds, drop };
      return { ...(await resolveQuarantine(deps, input, callOf(context))) };
    },
  };
}
