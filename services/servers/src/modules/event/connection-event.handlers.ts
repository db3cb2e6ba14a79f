import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import { ConnectionEvent_KindSchema, ConnectionEventSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import type { PageTokens } from '@morag/rpc';
import { enumNames } from '../../enum-names.ts';
import { readPage } from '../../page-reader.ts';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import type { ConnectionEventStore } from './connection-event.store.ts';
import { CONNECTION_EVENT_KINDS, type ConnectionEvent } from './connection-event.ts';

/** What these handlers work with. */
export interface ConnectionEventHandlersDeps {
  readonly servers: Pick<ServerStore, 'find'>;
  readonly connectionEvents: Pick<ConnectionEventStore, 'list'>;
  readonly pageTokens: PageTokens;
}

const kinds = enumNames(ConnectionEvent_KindSchema, CONNECTION_EVENT_KINDS);

/** The part of ServerService that tells of our connections. */
export function connectionEventHandlers(
  deps: ConnectionEventHandlersDeps,
): Pick<ServiceImpl<typeof ServerService>, 'listConnectionEvents'> {
  const { servers, connectionEvents, pageTokens } = deps;
  return {
    async listConnectionEvents(request, context) {
      const principal = requirePrincipal(context);
      const { id } = await getServer(servers, request.serverId, ownerScope(principal));
      const { listConnectionEvents } = ServerService.method;
      const page = await readPage(pageTokens, principal, listConnectionEvents, request, (list) =>
        connectionEvents.list(id, list),
      );
      return { events: page.rows.map(toMessage), nextPageToken: page.nextPageToken };
    },
  };
}

function toMessage({ id, serverId, kind, detail, createdAt }: ConnectionEvent) {
  const createTime = timestampFromDate(createdAt);
  return create(ConnectionEventSchema, { id, serverId, kind: kinds.valueOf(kind), detail, createTime });
}
