import type { Database } from '@morag/orm';
import { execute } from '../../sql.ts';

/** A record that no passage names any more and that its server may still hold. */
export interface RecordTombstone {
  readonly recordId: string;
  readonly databaseId: string;
  readonly ownerId: string;
}

/** Tombstones whose time has come, of one document or of all. */
export async function dueTombstones(
  db: Database,
  documentId: string | null,
  limit: number,
): Promise<RecordTombstone[]> {
  return db.read<RecordTombstone>(
    `select record_id as "recordId", database_id as "databaseId", owner_id as "ownerId" from documents.record_tombstones
     where due_at <= now() and ($1::uuid is null or document_id = $1) order by due_at limit $2`,
    [documentId, limit],
  );
}

/** The records are gone. */
export async function removeTombstones(db: Database, recordIds: readonly string[]): Promise<void> {
  await execute(db, 'delete from documents.record_tombstones where record_id = any($1::uuid[])', [recordIds]);
}

/** The records cannot be removed now. */
export async function postponeTombstones(db: Database, recordIds: readonly string[], seconds: number): Promise<void> {
  await execute(
    db,
    `update documents.record_tombstones set due_at = now() + make_interval(secs => $2) where record_id = any($1::uuid[])`,
    [recordIds, seconds],
  );
}
