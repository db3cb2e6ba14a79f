import { durationMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal, requireUnlimited } from '@morag/auth';
import type { Vault } from '@morag/crypto';
import type { Egress } from '@morag/egress';
import { type Server as ServerMessage, ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService, type UpdateServerRequest } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { noteBefore, type PageTokens, updatedFields } from '@morag/rpc';
import { readPage } from '../../page-reader.ts';
import type { Vendors } from '../connector/vendors.ts';
import { createServer, type ServerDraft } from './create-server.ts';
import { type DeleteServerDeps, deleteServer } from './delete-server.ts';
import { getServer } from './get-server.ts';
import { fromServerMessage, fromTestServer, toServerMessage, toServerType, toTestResponse } from './server.mapper.ts';
import type { ServerStore } from './server.store.ts';
import { TEST_TIMEOUT_MS, type TestConnectionDeps, testStoredServer, testUnsavedServer } from './test-connection.ts';
import { updateServer } from './update-server.ts';

/** What the handlers of ServerService work with. */
export interface ServerHandlersDeps extends Omit<DeleteServerDeps, 'store'>, Omit<TestConnectionDeps, 'store'> {
  readonly store: ServerStore;
  readonly vendors: Vendors;
  readonly egress: Egress;
  readonly vault: Vault;
  readonly pageTokens: PageTokens;
  readonly clock: () => Date;
  readonly onChanged: (server: { readonly id: string }) => void;
  /** Removes all databases and servers of an owner. */
  readonly purgeOwner: (ownerId: string, signal: AbortSignal) => Promise<void>;
}

type Handlers = Pick<
  ServiceImpl<typeof ServerService>,
  | 'createServer'
  | 'getServer'
  | 'listServers'
  | 'updateServer'
  | 'deleteServer'
  | 'testConnection'
  | 'listServerTypes'
  | 'purgeOwner'
>;

/** Handlers of ServerService, as far as they are part of this version. */
export function serverHandlers(deps: ServerHandlersDeps): Handlers {
  const { store, vendors } = deps;
  const note = (serverId: string, context: HandlerContext): Promise<void> =>
    noteBefore(context, ServerSchema, async () =>
      toServerMessage(await getServer(store, serverId, ownerScope(requirePrincipal(context)))),
    );
  return {
    async createServer({ server }, context) {
      const principal = requirePrincipal(context);
      requireUnlimited(principal, 'servers:write');
      return toServerMessage(await createServer(deps, principal.userId, fromServerMessage(required(server))));
    },
    async getServer({ serverId }, context) {
      return toServerMessage(await getServer(store, serverId, ownerScope(requirePrincipal(context))));
    },
    async listServers(request, context) {
      const principal = requirePrincipal(context);
      const { listServers } = ServerService.method;
      const page = await readPage(deps.pageTokens, principal, listServers, request, (list) =>
        store.list(list, ownerScope(principal)),
      );
      return { servers: page.rows.map(toServerMessage), nextPageToken: page.nextPageToken };
    },
    async updateServer(request, context) {
      const scope = ownerScope(requirePrincipal(context));
      const { etag } = required(request.server);
      const input = { id: request.serverId, scope, changes: changesIn(request), etag };
      await note(input.id, context);
      return toServerMessage(await updateServer(deps, input));
    },
    async deleteServer({ serverId, force }, context) {
      const input = { id: serverId, scope: ownerScope(requirePrincipal(context)), force };
      await note(serverId, context);
      await deleteServer(deps, input, context.signal);
      return {};
    },
    async testConnection({ serverId, server, timeout }, context) {
      const timeoutMs = timeout ? Math.ceil(durationMs(timeout)) : TEST_TIMEOUT_MS;
      if (server)
        return toTestResponse(await testUnsavedServer(deps, { ...fromTestServer(server), timeoutMs }, context.signal));
      const input = { id: serverId, scope: ownerScope(requirePrincipal(context)), timeoutMs };
      return toTestResponse(await testStoredServer(deps, input, context.signal));
    },
    async listServerTypes() {
      return { serverTypes: (await vendors.describe()).map(toServerType) };
    },
    async purgeOwner({ ownerId }, { signal }) {
      await deps.purgeOwner(ownerId, signal);
      return {};
    },
  };
}

const SECRETS: readonly string[] = ['password', 'apiKey'] satisfies (keyof ServerDraft)[];

/** The fields that an update changes. A secret is taken away only by naming it: leaving it out, also under `*`, keeps it. */
function changesIn({ server, updateMask }: UpdateServerRequest): Partial<ServerDraft> {
  const changed = updatedFields(ServerSchema, server, updateMask);
  const localNames = new Map(ServerSchema.fields.map(({ name, localName }) => [name, localName]));
  const names = new Set([...changed].map((name) => localNames.get(name)));
  const named = new Set(updateMask?.paths.map((path) => localNames.get(path) ?? path));
  const entries = Object.entries(fromServerMessage(required(server))).filter(
    ([name, value]) => names.has(name) && !(SECRETS.includes(name) && value === '' && !named.has(name)),
  );
  return Object.fromEntries(entries) as Partial<ServerDraft>;
}

/** Validation has seen to it that the resource is there. */
function required(server: ServerMessage | undefined): ServerMessage {
  if (!server) throw new Error('the request has no server although it is required');
  return server;
}
