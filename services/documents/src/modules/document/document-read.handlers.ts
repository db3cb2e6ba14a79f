import type { ServiceImpl } from '@connectrpc/connect';
import type { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import type { Cursor, Database } from '@morag/orm';
import type { PageTokens } from '@morag/rpc';
import { scopeOf } from '../../acting.ts';
import { numberedPage, type PageRequest, readPage } from '../../page-reader.ts';
import { listChunks } from './chunk.store.ts';
import { toChunkMessage, toDocumentMessage, toStatisticsMessage, toVersionMessage } from './document.messages.ts';
import { activeVersionOf, listVersions, readDocument } from './document.store.ts';
import { documentFigures } from './document-statistics.ts';
import { listDocuments } from './list-documents.ts';

/** What reading needs. */
export interface ReadHandlerParts {
  readonly db: Database;
  readonly pageTokens: PageTokens;
}

type ReadMethods = 'getDocument' | 'listDocuments' | 'listDocumentVersions' | 'listChunks' | 'getDocumentStatistics';

/** Above every version: the largest number of the column. */
const VERSION_MAX = 2_147_483_647;

/** The methods of DocumentService that change nothing. */
export function readHandlers({
  db,
  pageTokens,
}: ReadHandlerParts): Pick<ServiceImpl<typeof DocumentService>, ReadMethods> {
  return {
    async getDocument({ documentId }, context) {
      return toDocumentMessage(await readDocument(db, documentId, scopeOf(context)));
    },
    async listDocuments(request, context) {
      const { databaseId, filter, orderBy } = request;
      const { rows, nextPageToken } = await readPage(
        pageTokens,
        context,
        request,
        [databaseId, filter, orderBy],
        ({ pageSize, cursor }: PageRequest<Cursor>) =>
          listDocuments(db, scopeOf(context), databaseId || undefined, { pageSize, cursor, filter, orderBy }),
      );
      return { documents: rows.map(toDocumentMessage), nextPageToken };
    },
    async listDocumentVersions(request, context) {
      const { id } = await readDocument(db, request.documentId, scopeOf(context));
      const page = await readPage(
        pageTokens,
        context,
        request,
        id,
        async ({ pageSize, cursor }: PageRequest<number>) => {
          const rows = await listVersions(db, id, cursor ?? VERSION_MAX, pageSize + 1);
          return numberedPage(rows, pageSize, ({ number }) => number);
        },
      );
      return { versions: page.rows.map(toVersionMessage), nextPageToken: page.nextPageToken };
    },
    async listChunks(request, context) {
      const { id } = await readDocument(db, request.documentId, scopeOf(context));
      const versionId = await activeVersionOf(db.fork(), id);
      if (versionId === undefined) return {};
      const page = await readPage(
        pageTokens,
        context,
        request,
        id,
        async ({ pageSize, cursor }: PageRequest<number>) => {
          const rows = await listChunks(db, versionId, cursor ?? -1, pageSize + 1);
          return numberedPage(rows, pageSize, ({ position }) => position);
        },
      );
      return { chunks: page.rows.map(toChunkMessage), nextPageToken: page.nextPageToken };
    },
    async getDocumentStatistics({ databaseId }, context) {
      return toStatisticsMessage(await documentFigures(db, scopeOf(context), databaseId || undefined));
    },
  };
}
