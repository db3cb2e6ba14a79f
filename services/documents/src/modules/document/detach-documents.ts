import { type Database, type Em, query } from '@morag/orm';
import { removeDatabase } from '../../search/lexical.store.ts';
import { sqlOf } from '../../sql.ts';
import { removeCounter } from '../count/counter.store.ts';
import type { JobBus } from '../job/job.bus.ts';
import { announceEnd } from '../job/job-ended.ts';

/** What these need. */
export interface DetachParts {
  readonly db: Database;
  readonly bus: JobBus;
}

/**
 * A database is gone, and its records with it: its documents stay without one, nothing of them is searched, and what was
 * being ingested is cancelled.
 */
export async function detachDatabase({ db, bus }: DetachParts, databaseId: string): Promise<void> {
  const jobs = await db.transaction(async (em) => {
    const ids = await lockAll(em, 'database_id', databaseId);
    const cancelled = await cancelJobs(em, 'database_id', databaseId, 'The database was deleted');
    await query(
      em,
      `update documents.document_versions set state = 'FAILED', version = version + 1, updated_at = now()
       where state = 'BUILDING' and document_id = any($1::uuid[])`,
      [ids],
    );
    await query(
      em,
      `update documents.documents set database_id = null, version = version + 1, updated_at = now(),
         state = case state when 'INGESTING' then 'PENDING' else state end
       where database_id = $1`,
      [databaseId],
    );
    await announceEnd(em, cancelled);
    await query(em, 'update documents.jobs set database_id = null where database_id = $1', [databaseId]);
    await query(em, 'delete from documents.record_tombstones where database_id = $1', [databaseId]);
    await removeDatabase(sqlOf(em), databaseId);
    await removeCounter(em, databaseId);
    return cancelled;
  });
  for (const id of jobs) bus.changed(id);
  bus.untidy();
}

/** An owner is gone, with all databases: nothing of that owner stays here. */
export async function purgeOwner({ db, bus }: DetachParts, ownerId: string): Promise<void> {
  const jobs = await db.transaction(async (em) => {
    await lockAll(em, 'owner_id', ownerId);
    const cancelled = await cancelJobs(em, 'owner_id', ownerId, 'The owner was deleted');
    const databases = await query<{ id: string }>(
      em,
      'select database_id as id from documents.document_counters where owner_id = $1 order by database_id',
      [ownerId],
    );
    for (const { id } of databases) {
      await removeDatabase(sqlOf(em), id);
      await removeCounter(em, id);
    }
    await query(em, 'delete from documents.record_tombstones where owner_id = $1', [ownerId]);
    // Versions, passages, jobs and attempts go with their document.
    await query(em, 'delete from documents.documents where owner_id = $1', [ownerId]);
    return cancelled;
  });
  for (const id of jobs) bus.changed(id);
}

type OwnerColumn = 'database_id' | 'owner_id';

async function lockAll(em: Em, column: OwnerColumn, value: string): Promise<string[]> {
  await query(em, `select from documents.document_counters where ${column} = $1 order by database_id for update`, [
    value,
  ]);
  const rows = await query<{ id: string }>(
    em,
    `select id from documents.documents where ${column} = $1 order by id for update`,
    [value],
  );
  return rows.map(({ id }) => id);
}

/** Cancels what has not ended of many documents that are locked. */
async function cancelJobs(em: Em, column: OwnerColumn, value: string, summary: string): Promise<string[]> {
  const rows = await query<{ id: string }>(
    em,
    `update documents.jobs set status = 'CANCELLED', summary = $2, ended_at = now(), lease_owner = null, lease_until = null,
       next_attempt_at = null, fencing_token = fencing_token + 1, version = version + 1, updated_at = now()
     where ${column} = $1 and status in ('PENDING', 'WAITING_FOR_REMOTE_WORKER', 'PROCESSING') returning id`,
    [value, summary],
  );
  const ids = rows.map(({ id }) => id);
  await query(
    em,
    `update documents.job_attempts set ended_at = now(), failure_reason = 'CANCELLED', failure_detail = $2
     where job_id = any($1::uuid[]) and ended_at is null`,
    [ids, summary],
  );
  return ids;
}
