import { type Client, ConnectError, createClient } from '@connectrpc/connect';
import type { Permission, ServiceTokens } from '@morag/auth';
import { reasonOf } from '@morag/errors';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { ITEMS_MAX, type OwnedThings } from './modules/portability/owned-things.ts';
import type { OwningServices } from './modules/user/deleted-user.relay.ts';

const PAGE_SIZE = 1_000;

/** The other services, asked by their clients. */
export function createOwnedThings(services: OwningServices, tokens: ServiceTokens): OwnedThings {
  const servers: Client<typeof ServerService> = createClient(ServerService, services.servers);
  const databases = createClient(DatabaseService, services.servers);
  const documents = createClient(DocumentService, services.documents);
  const as = async (audience: string, ownerId: string, permissions: readonly Permission[], signal: AbortSignal) => {
    const token = await tokens.issue({ audience, ownerId, permissions });
    return { signal, headers: { authorization: `Bearer ${token}` } };
  };
  return {
    async servers(ownerId, signal) {
      const options = await as('servers', ownerId, ['servers:read'], signal);
      return allPages(async (page) => {
        const { servers: items, nextPageToken } = await servers.listServers(page, options);
        return { items, nextPageToken };
      });
    },
    async databases(ownerId, signal) {
      const options = await as('servers', ownerId, ['databases:read'], signal);
      return allPages(async (page) => {
        const { databases: items, nextPageToken } = await databases.listDatabases(page, options);
        return { items, nextPageToken };
      });
    },
    async documents(ownerId, signal) {
      const options = await as('documents', ownerId, ['documents:read'], signal);
      return allPages(async (page) => {
        const { documents: items, nextPageToken } = await documents.listDocuments(page, options);
        return { items, nextPageToken };
      });
    },
    async createServer(ownerId, server, signal) {
      const options = await as('servers', ownerId, ['servers:write'], signal);
      return servers.createServer({ server }, options).then(
        () => undefined,
        (error: unknown) => {
          signal.throwIfAborted();
          return reasonOf(error) === 'SERVER_EXISTS' ? 'its name is taken' : ConnectError.from(error).rawMessage;
        },
      );
    },
  };
}

/** Pages until there are no more, or one item more than an export tells. */
async function allPages<Item>(
  read: (page: { pageSize: number; pageToken: string }) => Promise<{ items: Item[]; nextPageToken: string }>,
): Promise<Item[]> {
  const all: Item[] = [];
  for (let pageToken = ''; ; ) {
    const { items, nextPageToken } = await read({ pageSize: PAGE_SIZE, pageToken });
    all.push(...items);
    if (nextPageToken === '' || all.length > ITEMS_MAX) return all;
    pageToken = nextPageToken;
  }
}
