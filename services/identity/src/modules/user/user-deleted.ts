import type { NewEvent } from '@morag/orm';

const USER_DELETED = 'user.deleted';

/** A user is gone, and what it owned anywhere is to go too. */
export function userDeleted(userId: string): NewEvent {
  return { key: userId, type: USER_DELETED, payload: { userId } };
}

/** The user that an event is about. */
export function deletedUser({ type, payload }: Pick<NewEvent, 'type' | 'payload'>): string {
  if (type !== USER_DELETED) throw new Error(`an event of the unknown type ${type}`);
  return (payload as { readonly userId: string }).userId;
}
