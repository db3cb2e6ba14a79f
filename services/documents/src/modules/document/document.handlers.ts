import { create } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { DocumentSchema } from '@morag/gen/morag/documents/v1/document_pb.ts';
import type { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import type { Database } from '@morag/orm';
import { noteBefore, updatedFields } from '@morag/rpc';
import { type ActingFor, scopeOf } from '../../acting.ts';
import { type DeleteParts, deleteDocument } from './delete-document.ts';
import { setDeprecated } from './deprecate-document.ts';
import { detachDatabase, purgeOwner } from './detach-documents.ts';
import { toDocumentMessage } from './document.messages.ts';
import { readDocument } from './document.store.ts';
import { type ReadHandlerParts, readHandlers } from './document-read.handlers.ts';
import { updateDocument } from './update-document.ts';
import { type UploadParts, uploadDocument } from './upload-document.ts';
import { openUpload } from './upload-stream.ts';

/** What DocumentService needs. */
export interface DocumentHandlerParts extends ReadHandlerParts, UploadParts, DeleteParts {
  readonly db: Database;
  readonly actingFor: ActingFor;
}

/** DocumentService over the use cases. */
export function documentHandlers(parts: DocumentHandlerParts): ServiceImpl<typeof DocumentService> {
  const note = (documentId: string, context: HandlerContext): Promise<void> =>
    noteBefore(context, DocumentSchema, async () =>
      toDocumentMessage(await readDocument(parts.db, documentId, scopeOf(context))),
    );
  return {
    ...readHandlers(parts),
    async uploadDocument(requests, context) {
      const { input, content } = await openUpload(requests);
      return toDocumentMessage(
        await uploadDocument(parts, input, content, await parts.actingFor(context), context.signal),
      );
    },
    async updateDocument({ documentId, document, updateMask }, context) {
      const given = document ?? create(DocumentSchema);
      const fields = updatedFields(DocumentSchema, given, updateMask);
      const changes = {
        name: fields.has('name') ? given.name : undefined,
        metadata: fields.has('metadata') ? (given.metadata ?? {}) : undefined,
        etag: given.etag,
      };
      await note(documentId, context);
      return toDocumentMessage(await updateDocument(parts, documentId, scopeOf(context), changes, context.signal));
    },
    async deleteDocument({ documentId }, context) {
      await note(documentId, context);
      await deleteDocument(parts, documentId, scopeOf(context), context.signal);
      return {};
    },
    async deprecateDocument({ documentId }, context) {
      return toDocumentMessage(await setDeprecated(parts, documentId, scopeOf(context), true, context.signal));
    },
    async restoreDocument({ documentId }, context) {
      return toDocumentMessage(await setDeprecated(parts, documentId, scopeOf(context), false, context.signal));
    },
    async detachDatabase({ databaseId }) {
      await detachDatabase(parts, databaseId);
      return {};
    },
    async purgeOwner({ ownerId }) {
      await purgeOwner(parts, ownerId);
      return {};
    },
  };
}
