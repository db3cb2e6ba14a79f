import type { Database } from '@morag/orm';
import { activateVersion, deactivateVersion } from '../../search/lexical.store.ts';
import { sqlOf } from '../../sql.ts';
import { nextDocumentState } from './document.state.ts';
import { lockDocument, readDocument, type Scope } from './document.store.ts';
import type { DocumentView } from './document.view.ts';

/** Takes a document out of search and keeps it, or puts it back. Its records stay; search leaves them out. */
export async function setDeprecated(
  { db }: { readonly db: Database },
  id: string,
  scope: Scope,
  deprecated: boolean,
  signal: AbortSignal,
): Promise<DocumentView> {
  await db.transaction(
    async (em) => {
      const document = await lockDocument(em, id, scope);
      document.state = nextDocumentState(document.state, deprecated ? 'deprecate' : 'restore');
      const { databaseId, activeVersionId: versionId } = document;
      if (databaseId == null || versionId == null) return;
      const change = deprecated ? deactivateVersion : activateVersion;
      await change(sqlOf(em), { databaseId, versionId });
    },
    { signal },
  );
  return readDocument(db, id, scope);
}
