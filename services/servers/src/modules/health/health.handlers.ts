import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import { ServerService, WatchHealthResponseSchema } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import type { PageTokens } from '@morag/rpc';
import { readPage } from '../../page-reader.ts';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import { toHealthCheckMessage, toServerHealthMessage } from './health.mapper.ts';
import type { HealthStore } from './health.store.ts';
import { type WatchHealthDeps, watchHealth } from './watch-health.ts';

/** What these handlers work with. */
export interface HealthHandlersDeps extends WatchHealthDeps {
  readonly servers: Pick<ServerStore, 'find'>;
  readonly healthStore: HealthStore;
  readonly pageTokens: PageTokens;
}

type Handlers = Pick<ServiceImpl<typeof ServerService>, 'getServerHealth' | 'listHealthChecks' | 'watchHealth'>;

/** The part of ServerService that tells how servers do. */
export function healthHandlers(deps: HealthHandlersDeps): Handlers {
  const { servers, healthStore, pageTokens } = deps;
  return {
    async getServerHealth({ serverId }, context) {
      const { id } = await getServer(servers, serverId, ownerScope(requirePrincipal(context)));
      return toServerHealthMessage(await healthStore.find(id));
    },
    async listHealthChecks(request, context) {
      const principal = requirePrincipal(context);
      const { id } = await getServer(servers, request.serverId, ownerScope(principal));
      const { listHealthChecks } = ServerService.method;
      const page = await readPage(pageTokens, principal, listHealthChecks, request, (list) =>
        healthStore.checks(id, list),
      );
      return { healthChecks: page.rows.map(toHealthCheckMessage), nextPageToken: page.nextPageToken };
    },
    async *watchHealth({ serverIds }, context) {
      const input = { scope: ownerScope(requirePrincipal(context)), serverIds };
      for await (const server of watchHealth(deps, input, context.signal)) {
        yield create(WatchHealthResponseSchema, { health: toServerHealthMessage(server) });
      }
    },
  };
}
