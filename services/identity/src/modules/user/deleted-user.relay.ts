import { createClient, type Transport } from '@connectrpc/connect';
import type { ServiceTokens } from '@morag/auth';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createOutboxRelay, type Database, type OutboxRelay } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import { deletedUser } from './user-deleted.ts';

/** The services in which users own things. */
export interface OwningServices {
  readonly documents: Transport;
  readonly servers: Transport;
}

/** See purgeDeletedUsers. */
export interface PurgeDeps {
  readonly db: Database;
  readonly services: OwningServices;
  readonly tokens: ServiceTokens;
  readonly logger: Logger;
}

/** Has everything that a deleted user owned deleted, and asks again until every service has done so. */
export function purgeDeletedUsers({ db, services, tokens, logger }: PurgeDeps): OutboxRelay {
  const documents = createClient(DocumentService, services.documents);
  const servers = createClient(ServerService, services.servers);
  return createOutboxRelay({
    db,
    logger,
    async deliver(event, signal) {
      const ownerId = deletedUser(event);
      const options = async (audience: string) => {
        const token = await tokens.issue({ audience, ownerId, permissions: [] });
        return { signal, headers: { authorization: `Bearer ${token}` } };
      };
      // Documents first: that cancels what is still being ingested into the databases that go next.
      await documents.purgeOwner({ ownerId }, await options('documents'));
      await servers.purgeOwner({ ownerId }, await options('servers'));
    },
  });
}
