import { create, toJson } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import { FailoverEventSchema } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import type { PageTokens } from '@morag/rpc';
import type { JsonObject } from '../../json.ts';
import { readPage } from '../../page-reader.ts';
import type { DatabaseStore } from '../database/database.store.ts';
import { getDatabase } from '../database/get-database.ts';
import { toOperationMessage } from '../operation/operation.mapper.ts';
import type { OperationStore } from '../operation/operation.store.ts';
import { chooseHanding, type FailOverDeps, failOver } from './fail-over.ts';
import type { FailoverEvent } from './failover.ts';

/** What these handlers work with. */
export interface FailoverHandlersDeps extends FailOverDeps {
  readonly databases: Pick<DatabaseStore, 'find'>;
  readonly operations: Pick<OperationStore, 'insertDone'>;
  readonly pageTokens: PageTokens;
}

type Handlers = Pick<ServiceImpl<typeof DatabaseService>, 'failOver' | 'listFailoverEvents'>;

/** The part of DatabaseService that changes primaries and tells of it. */
export function failoverHandlers(deps: FailoverHandlersDeps): Handlers {
  const { databases, failovers, pageTokens } = deps;
  return {
    async failOver({ databaseId, placementId, force }, context) {
      const { ownerId } = await getDatabase(databases, databaseId, ownerScope(requirePrincipal(context)));
      const handing = await chooseHanding(deps, { databaseId, placementId, force });
      const event = await failOver(deps, handing, context.signal);
      const response = toJson(FailoverEventSchema, toFailoverMessage(event)) as JsonObject;
      const done = { id: event.id, ownerId, databaseId, kind: 'FAIL_OVER', request: { placementId, force } } as const;
      return toOperationMessage(await deps.operations.insertDone(done, response));
    },
    async listFailoverEvents(request, context) {
      const principal = requirePrincipal(context);
      const { id } = await getDatabase(databases, request.databaseId, ownerScope(principal));
      const { listFailoverEvents } = DatabaseService.method;
      const page = await readPage(pageTokens, principal, listFailoverEvents, request, (list) =>
        failovers.list(id, list),
      );
      return { failoverEvents: page.rows.map(toFailoverMessage), nextPageToken: page.nextPageToken };
    },
  };
}

/** A change of the primary. */
export function toFailoverMessage(event: FailoverEvent) {
  return create(FailoverEventSchema, {
    id: event.id,
    databaseId: event.databaseId,
    fromPlacementId: event.fromPlacementId,
    toPlacementId: event.toPlacementId,
    reason: event.reason,
    detectTime: timestampFromDate(event.detectedAt),
    promoteTime: timestampFromDate(event.promotedAt),
    firstSequence: BigInt(event.firstSequence),
    lastSequence: BigInt(event.lastSequence),
  });
}
