import { ROLES } from '@morag/auth';
import { type Database, type ListRequest, type ListSpec, listPage, type Page } from '@morag/orm';
import { USER_COLUMNS, type UserRow } from './user.store.ts';

const LIST: ListSpec = {
  from: 'identity.users',
  columns: USER_COLUMNS,
  id: 'id',
  filter: {
    email: { column: 'email', kind: 'text' },
    name: { column: 'name', kind: 'text' },
    role: { column: 'role', kind: ROLES },
    disabled: { column: '(disabled_at is not null)', kind: 'boolean' },
  },
  order: { create_time: { column: 'created_at', type: 'timestamptz' }, name: { column: 'name', type: 'text' } },
  defaultOrder: 'create_time desc',
};

/** A page of all users. */
export function listUsers(deps: { readonly db: Database }, request: ListRequest): Promise<Page<UserRow>> {
  return listPage<UserRow>(deps.db, LIST, request);
}
