import { createClient, type Transport } from '@connectrpc/connect';
import { type ServiceTokens, SYSTEM_USER_ID } from '@morag/auth';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import type { DeliverEvent } from '../../event-relay.ts';
import { deletedDatabase } from './database-deleted.ts';

/** See detachDocuments. */
export interface DetachDocumentsDeps {
  readonly documents: Transport;
  readonly tokens: ServiceTokens;
}

/** Tells the documents service of a database that is gone. */
export function detachDocuments({ documents, tokens }: DetachDocumentsDeps): DeliverEvent {
  const client = createClient(DocumentService, documents);
  return async (event, signal) => {
    const token = await tokens.issue({ audience: 'documents', ownerId: SYSTEM_USER_ID, permissions: [] });
    const headers = { authorization: `Bearer ${token}` };
    await client.detachDatabase({ databaseId: deletedDatabase(event) }, { signal, headers });
  };
}
