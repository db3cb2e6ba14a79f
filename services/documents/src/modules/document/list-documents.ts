import {
  type Condition,
  type Database,
  equals,
  type ListRequest,
  type ListSpec,
  listPage,
  type Page,
} from '@morag/orm';
import { DOCUMENT_STATES } from './document.state.ts';
import { DOCUMENT_COLUMNS, type Scope } from './document.store.ts';
import type { DocumentView } from './document.view.ts';

const LIST: ListSpec = {
  from: 'documents.documents d',
  columns: DOCUMENT_COLUMNS,
  id: 'd.id',
  filter: {
    name: { column: 'd.name', kind: 'text' },
    type: { column: 'd.type', kind: 'text' },
    state: { column: 'd.state', kind: DOCUMENT_STATES },
    language: { column: 'd.language', kind: 'text' },
  },
  order: {
    create_time: { column: 'd.created_at', type: 'timestamptz' },
    upload_time: { column: 'd.uploaded_at', type: 'timestamptz' },
    name: { column: 'd.name', type: 'text' },
  },
  defaultOrder: 'create_time desc',
};

/** One page of the documents in a scope, of one database or of all. Deleted ones come only when asked for. */
export async function listDocuments(
  db: Database,
  { ownerId, databaseIds }: Scope,
  databaseId: string | undefined,
  request: ListRequest,
): Promise<Page<DocumentView>> {
  const conditions: Condition[] = [];
  if (ownerId !== undefined) conditions.push(equals('d.owner_id', ownerId));
  if (databaseIds !== undefined) conditions.push((bind) => `d.database_id = any(${bind(databaseIds)}::uuid[])`);
  if (databaseId !== undefined) conditions.push(equals('d.database_id', databaseId));
  const wantsDeleted = /\bstate\s*=\s*"?DELETED\b/.test(request.filter ?? '');
  if (!wantsDeleted) conditions.push(() => `d.state <> 'DELETED'`);
  return listPage<DocumentView>(db, LIST, request, conditions);
}
