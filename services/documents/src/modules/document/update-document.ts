import { DomainError } from '@morag/errors';
import { type Database, query, requireEtag, violatedConstraint } from '@morag/orm';
import { lockDocument, readDocument, type Scope } from './document.store.ts';
import type { DocumentView } from './document.view.ts';
import { requireMetadata, requireName } from './document-fields.ts';

/** What an update changes; what is undefined stays. */
export interface DocumentChanges {
  readonly name?: string;
  readonly metadata?: Record<string, unknown>;
  /** Of the row as the caller read it; empty asks for no check. */
  readonly etag: string;
}

/** Changes a document's name or metadata. Searches show and filter by the new ones at once. */
export async function updateDocument(
  { db }: { readonly db: Database },
  id: string,
  scope: Scope,
  changes: DocumentChanges,
  signal: AbortSignal,
): Promise<DocumentView> {
  if (changes.name !== undefined) requireName(changes.name, 'document.name');
  if (changes.metadata !== undefined) requireMetadata(changes.metadata, 'document.metadata');
  const { name } = changes;
  try {
    await db.transaction(
      async (em) => {
        const document = await lockDocument(em, id, scope);
        if (document.state === 'DELETED') {
          throw new DomainError('INVALID_DOCUMENT_STATE', 'The document is DELETED; it cannot be changed.');
        }
        requireEtag(document, changes.etag);
        if (changes.metadata !== undefined) document.metadata = changes.metadata;
        if (name === undefined || name === document.name) return;
        document.name = name;
        // Jobs show the name of their document.
        await query(em, 'update documents.jobs set document_name = $2 where document_id = $1', [id, name]);
      },
      { signal },
    );
  } catch (error) {
    if (violatedConstraint(error) !== 'documents_name') throw error;
    throw new DomainError('ALREADY_EXISTS', `The database already has a document named ${name}.`, { cause: error });
  }
  return readDocument(db, id, scope);
}
