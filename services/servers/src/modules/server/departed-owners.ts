import { DomainError } from '@morag/errors';
import { type Database, type Em, query } from '@morag/orm';

/**
 * Keeps an owner from leaving while something of theirs is made, and refuses what is to be made for one who has left. To be
 * called in the transaction that makes it, first. UNAUTHENTICATED.
 */
export async function holdOwner(em: Em, ownerId: string): Promise<void> {
  await query(em, 'select pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [ownerId]);
  const departed = await query(em, 'select 1 from departed_owners where owner_id = $1', [ownerId]);
  if (departed.length > 0) throw new DomainError('UNAUTHENTICATED', 'The account is gone.');
}

/** Notes that an owner has left, once all that is being made for them is there to be removed. */
export async function noteDeparture(db: Database, ownerId: string): Promise<void> {
  await db.transaction(async (em) => {
    await query(em, 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [ownerId]);
    await query(em, 'insert into departed_owners (owner_id) values ($1) on conflict do nothing', [ownerId]);
  });
}
