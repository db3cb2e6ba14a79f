import type { Metric } from '@morag/connectors-core';
import type { Database } from '@morag/orm';
import type { Instance } from '../../instance.ts';
import type { Lease } from '../log/lease.store.ts';
import { MEMBER_STATES, type PlacementState } from './placement.ts';

/** A collection on a server, with all that is needed to reach it. */
export interface CopyEnd {
  readonly placementId: string;
  readonly serverId: string;
  readonly revision: number;
  readonly collection: string;
}

/** A placement that is to be filled, and how far that is. */
export interface CopyTask {
  readonly databaseId: string;
  readonly dimension: number;
  readonly metric: Metric;
  readonly target: CopyEnd;
  readonly state: PlacementState;
  /** Something of ours may be in the collection already. */
  readonly isWritten: boolean;
  /** Undefined before the copy has begun, and when its source is gone. */
  readonly source: CopyEnd | undefined;
  readonly cursor: string | undefined;
  readonly copied: number;
}

/** Copies in PostgreSQL. What changes one names the epoch of a lease, and answers false when that is another's by now. */
export interface CopyStore {
  /** Placements that are to be filled and that nobody fills. */
  waiting(limit: number): Promise<readonly { placementId: string; databaseId: string }[]>;
  /** Undefined when the lease is another's. */
  load(lease: Lease): Promise<CopyTask | undefined>;
  /**
   * Begins to copy from a full copy, another than `avoid` where there is one, and answers it. A copy that was begun before
   * keeps its place in the log: what it holds already may have been deleted since, and only the log tells.
   */
  begin(lease: Lease, avoid: string | undefined): Promise<string | undefined>;
  /** Everything before `cursor` is in the target. Renews the lease too. */
  save(lease: Lease, progress: CopyProgress, ttlMs: number): Promise<boolean>;
  /** All is copied: the log is followed from where the copy began, and the lease given back. */
  finish(lease: Lease): Promise<boolean>;
  /** It does not get on now, and why. */
  fail(lease: Lease, error: string): Promise<void>;
}

/** See CopyStore.save. */
export interface CopyProgress {
  readonly cursor: string | undefined;
  readonly copied: number;
  readonly total: number;
}

const MEMBERS = `(${MEMBER_STATES.map((state) => `'${state}'`).join(', ')})`;

/** Creates the store. */
export function createCopyStore(db: Database, instance: Instance): CopyStore {
  return { ...lookups(db, instance), ...steps(db) };
}

function lookups(db: Database, instance: Instance): Pick<CopyStore, 'waiting' | 'load'> {
  return {
    async waiting(limit) {
      const rows = await db.read<{ id: string; database_id: string; lease_owner: string | null; is_free: boolean }>(
        `select p.id, p.database_id, p.lease_owner, p.lease_owner is null or p.lease_until < now() as is_free
         from placements p join databases d on d.id = p.database_id
         where d.state = 'READY' and p.state in ('PROVISIONING', 'BACKFILLING') order by p.created_at limit $1`,
        [limit],
      );
      return rows
        .filter(({ lease_owner, is_free }) => is_free || instance.isDead(lease_owner ?? ''))
        .map(({ id, database_id }) => ({ placementId: id, databaseId: database_id }));
    },
    async load({ placementId, epoch }) {
      const [row] = await db.read<TaskRow>(
        `select d.id as database_id, d.dimension, d.metric, p.state, p.is_written, p.copy_cursor, p.copied,
                p.server_id, s.revision, p.collection,
                f.id as source_id, f.server_id as source_server_id, fs.revision as source_revision,
                f.collection as source_collection
         from placements p join databases d on d.id = p.database_id join servers s on s.id = p.server_id
         left join placements f on f.id = p.copy_source and f.state in ${MEMBERS}
         left join servers fs on fs.id = f.server_id
         where p.id = $1 and p.epoch = $2 and d.state = 'READY'`,
        [placementId, epoch],
      );
      return row && toTask(placementId, row);
    },
  };
}

function steps(db: Database): Pick<CopyStore, 'begin' | 'save' | 'finish' | 'fail'> {
  const holds = async (sql: string, params: readonly unknown[]): Promise<boolean> =>
    (await db.write(sql, params)).length > 0;

  return {
    async begin({ placementId, epoch }, avoid) {
      const [row] = await db.write<{ copy_source: string }>(
        // The source is locked, so that the log cannot be trimmed past the place that is noted here.
        `with held as materialized (
           select * from placements where database_id = (select database_id from placements where id = $1)
           order by id for no key update
         ), mine as (
           select id, state, applied_seq from held where id = $1 and epoch = $2
         ), source as (
           select p.id, p.applied_seq from held p cross join mine
           where p.id <> mine.id and p.state in ${MEMBERS}
             and (mine.state = 'PROVISIONING' or p.applied_seq >= mine.applied_seq)
           order by p.id is not distinct from $3::uuid, p.state <> 'IN_SYNC', p.role limit 1
         )
         update placements set state = 'BACKFILLING', copy_source = source.id, copy_cursor = null, copied = 0,
           is_written = true, updated_at = now(),
           applied_seq = case placements.state when 'PROVISIONING' then source.applied_seq else placements.applied_seq end
         from mine, source where placements.id = mine.id returning copy_source`,
        [placementId, epoch, avoid],
      );
      return row?.copy_source;
    },
    save: ({ placementId, epoch }, { cursor, copied, total }, ttlMs) =>
      holds(
        `update placements set copy_cursor = $3, copied = $4, copy_total = $5, last_error = '', updated_at = now(),
           lease_until = now() + make_interval(secs => $6::double precision / 1000)
         where id = $1 and epoch = $2 returning id`,
        [placementId, epoch, cursor, copied, total, ttlMs],
      ),
    finish: ({ placementId, epoch }) =>
      holds(
        `update placements set state = case when applied_seq >= d.head_seq then 'IN_SYNC' else 'CATCHING_UP' end,
           sync_seq = d.head_seq, applied_at = now(), checkpoint_seq = 0, checkpoint_next = 0, checkpoint_at = now(),
           copy_source = null, copy_cursor = null, last_error = '', updated_at = now(),
           lease_owner = null, lease_until = null
         from databases d where d.id = database_id and placements.id = $1 and epoch = $2 returning placements.id`,
        [placementId, epoch],
      ),
    async fail({ placementId, epoch }, error) {
      await db.write('update placements set last_error = $3, updated_at = now() where id = $1 and epoch = $2', [
        placementId,
        epoch,
        error,
      ]);
    },
  };
}

interface TaskRow {
  readonly database_id: string;
  readonly dimension: number;
  readonly metric: Metric;
  readonly state: PlacementState;
  readonly is_written: boolean;
  readonly copy_cursor: string | null;
  readonly copied: bigint;
  readonly server_id: string;
  readonly revision: number;
  readonly collection: string;
  readonly source_id: string | null;
  readonly source_server_id: string | null;
  readonly source_revision: number | null;
  readonly source_collection: string | null;
}

function toTask(placementId: string, row: TaskRow): CopyTask {
  const { source_id, source_server_id, source_revision, source_collection } = row;
  return {
    databaseId: row.database_id,
    dimension: row.dimension,
    metric: row.metric,
    state: row.state,
    isWritten: row.is_written,
    cursor: row.copy_cursor ?? undefined,
    copied: Number(row.copied),
    target: { placementId, serverId: row.server_id, revision: row.revision, collection: row.collection },
    source:
      source_id !== null && source_server_id !== null && source_collection !== null
        ? {
            placementId: source_id,
            serverId: source_server_id,
            revision: source_revision ?? 0,
            collection: source_collection,
          }
        : undefined,
  };
}
