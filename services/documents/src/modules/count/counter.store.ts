import { type Database, type Em, query } from '@morag/orm';
import { execute } from '../../sql.ts';

/** How many documents a database has, as of a revision. */
export interface DocumentCount {
  readonly databaseId: string;
  readonly ownerId: string;
  readonly documents: number;
  readonly revision: bigint;
}

/**
 * Locks the counter of a database until the transaction ends, so that everything that adds or removes documents of one
 * database happens one after the other. The first lock of every transaction that takes it.
 */
export async function lockCounter(em: Em, databaseId: string, ownerId: string): Promise<void> {
  await query(
    em,
    `insert into documents.document_counters (database_id, owner_id) values ($1, $2)
     on conflict (database_id) do update set owner_id = excluded.owner_id`,
    [databaseId, ownerId],
  );
}

/**
 * The model by which the database's documents are embedded: that of its first one, for as long as it has any. The counter is
 * locked.
 */
export async function claimEmbedding(em: Em, databaseId: string, model: string): Promise<string> {
  const [row] = await query<{ embedding: string }>(
    em,
    `update documents.document_counters set embedding = case when documents = 0 then $2 else coalesce(embedding, $2) end
     where database_id = $1 returning embedding`,
    [databaseId, model],
  );
  return row?.embedding ?? model;
}

/** The model by which the database's documents are embedded; undefined when it has none. */
export async function readEmbedding(db: Database, databaseId: string): Promise<string | undefined> {
  const [row] = await db.read<{ embedding: string | null }>(
    'select embedding from documents.document_counters where database_id = $1 and documents > 0',
    [databaseId],
  );
  return row?.embedding ?? undefined;
}

/** Changes the count. In the transaction that changes the documents. */
export async function countDocuments(em: Em, databaseId: string, difference: number): Promise<void> {
  await query(
    em,
    `update documents.document_counters set documents = documents + $2, revision = revision + 1 where database_id = $1`,
    [databaseId, difference],
  );
}

/** Forgets the counter of a database that is gone. */
export async function removeCounter(em: Em, databaseId: string): Promise<void> {
  await query(em, 'delete from documents.document_counters where database_id = $1', [databaseId]);
}

const COLUMNS = 'database_id as "databaseId", owner_id as "ownerId", documents, revision';

/** The counts that the servers service has yet to hear of: of one database, or at most `limit` of all. */
export async function unpushedCounts(db: Database, databaseId?: string, limit = 100): Promise<DocumentCount[]> {
  return db.read<DocumentCount>(
    `select ${COLUMNS} from documents.document_counters
     where revision > pushed_revision and ($1::uuid is null or database_id = $1) limit $2`,
    [databaseId ?? null, limit],
  );
}

/** Notes that the servers service knows the count of a revision. */
export async function markPushed(db: Database, { databaseId, revision }: DocumentCount): Promise<void> {
  await execute(
    db,
    `update documents.document_counters set pushed_revision = greatest(pushed_revision, $2) where database_id = $1`,
    [databaseId, revision],
  );
}
