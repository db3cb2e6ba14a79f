import { createClient, type Transport } from '@connectrpc/connect';
import { type ServiceTokens, SYSTEM_USER_ID } from '@morag/auth';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { createOutboxRelay, type Database, type OutboxRelay } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import { deletedDatabase } from './database-deleted.ts';

/** See detachDocuments. */
export interface DetachDocumentsDeps {
  readonly db: Database;
  readonly documents: Transport;
  readonly tokens: ServiceTokens;
  readonly logger: Logger;
}

/** Tells the documents service of every database that is gone, and again until it has heard. */
export function detachDocuments({ db, documents, tokens, logger }: DetachDocumentsDeps): OutboxRelay {
  const client = createClient(DocumentService, documents);
  return createOutboxRelay({
    db,
    logger,
    async deliver(event, signal) {
      const token = await tokens.issue({ audience: 'documents', ownerId: SYSTEM_USER_ID, permissions: [] });
      const headers = { authorization: `Bearer ${token}` };
      await client.detachDatabase({ databaseId: deletedDatabase(event) }, { signal, headers });
    },
  });
}
