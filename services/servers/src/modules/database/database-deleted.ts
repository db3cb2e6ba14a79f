import type { NewEvent } from '@morag/orm';

/** The type of these events. */
export const DATABASE_DELETED = 'database.deleted';

/** A database is gone; whoever keeps something about it is to know. */
export function databaseDeleted(databaseId: string): NewEvent {
  return { key: databaseId, type: DATABASE_DELETED, payload: { databaseId } };
}

/** The database that an event is about. */
export function deletedDatabase({ type, payload }: Pick<NewEvent, 'type' | 'payload'>): string {
  if (type !== DATABASE_DELETED) throw new Error(`an event of the unknown type ${type}`);
  return (payload as { readonly databaseId: string }).databaseId;
}
