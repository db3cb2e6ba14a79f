import { type Database, equals, type ListRequest, type ListSpec, listPage, type Page } from '@morag/orm';

/** An open session as reads give it. */
export interface SessionRow {
  readonly id: string;
  readonly device: string;
  readonly address: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

const LIST: ListSpec = {
  from: 'identity.sessions',
  columns: `id, device, address, created_at as "createdAt", last_used_at as "lastUsedAt", expires_at as "expiresAt"`,
  id: 'id',
  filter: {},
  order: { last_use_time: { column: 'last_used_at', type: 'timestamptz' } },
  defaultOrder: 'last_use_time desc',
};

/** A page of a user's open sessions, last used first. */
export function listSessions(
  deps: { readonly db: Database },
  userId: string,
  request: ListRequest,
): Promise<Page<SessionRow>> {
  return listPage<SessionRow>(deps.db, LIST, request, [
    equals('user_id', userId),
    () => 'revoked_at is null and expires_at > now()',
  ]);
}
