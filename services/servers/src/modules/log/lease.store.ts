import type { Database } from '@morag/orm';
import type { Instance } from '../../instance.ts';
import { FOLLOWING_STATES, type PlacementState } from '../placement/placement.ts';
import type { Refusal } from './apply-batch.ts';
import { encodeUpsert } from './mutation.codec.ts';
import type { Applied } from './sequence-board.ts';

/** What a lease is for: to apply the log to a placement that follows it, or to fill one that does not yet. */
export type LeaseWork = 'FOLLOW' | 'COPY';

/** The right to apply the log to a placement: the epoch is worth something only until somebody else takes the next. */
export interface Lease {
  readonly placementId: string;
  readonly epoch: number;
  /** What was applied when the lease was taken. */
  readonly appliedSequence: number;
  readonly state: PlacementState;
  readonly hasQuarantine: boolean;
  /** Mutations up to this one are applied again, since the server may have lost what it had confirmed. */
  readonly repairSequence: number;
}

/** A refusal in its place in the log. */
export interface PlacedRefusal extends Refusal {
  readonly sequence: number;
}

/** Leases and progress in PostgreSQL. Each write names its epoch and answers whether that is still the current one. */
export interface LeaseStore {
  /**
   * Undefined while another instance holds it, or when the placement follows no log (now). From an instance that is
   * certainly dead it is taken at once.
   */
  acquire(placementId: string, ttlMs: number, work?: LeaseWork): Promise<Lease | undefined>;
  renew(lease: Lease, ttlMs: number): Promise<boolean>;
  /**
   * The server has confirmed everything up to `sequence`: the placement is in sync again once it is a full copy, and near
   * enough to the head of the log. Renews the lease too.
   */
  advance(lease: Lease, sequence: number, ttlMs: number): Promise<boolean>;
  /** The server does not take the log now, and why. A copy that is not yet full stays one. */
  fail(lease: Lease, error: string): Promise<boolean>;
  /** Keeps refused records; those that were taken after all are forgotten. Before `advance`, so that none is lost. */
  quarantine(lease: Lease, refused: readonly PlacedRefusal[], taken: readonly string[]): Promise<boolean>;
  /**
   * The log no longer holds what comes next: a replica is to be filled anew, and its lease is given back. False for a
   * primary, which nothing could fill, and when the lease is another's.
   */
  rebuild(lease: Lease): Promise<boolean>;
  /** Gives the lease back, for another instance to take at once. */
  release(lease: Lease): Promise<void>;
  /** Placements that are behind their log and that nobody serves. */
  unserved(limit: number): Promise<readonly { placementId: string; databaseId: string }[]>;
  /** How far placements are, for those whose log another instance applies. */
  progress(placementIds: readonly string[]): Promise<readonly (Applied & { placementId: string })[]>;
}

const FOLLOWING = inList(FOLLOWING_STATES);
const STATES: Readonly<Record<LeaseWork, string>> = {
  FOLLOW: FOLLOWING,
  COPY: inList(['PROVISIONING', 'BACKFILLING'] satisfies PlacementState[]),
};
/** Longer than any vendor's window after an unclean stop, by the time it takes to notice one. */
export const CRASH_WINDOW = `interval '60 seconds'`;
const TTL = (parameter: string): string => `now() + make_interval(secs => ${parameter}::double precision / 1000)`;

const IS_CHECKPOINT_DUE = `coalesce(checkpoint_at < now() - ${CRASH_WINDOW}, true)`;
/** Keeps in mind, of what was confirmed, as much as no crash can have taken back. */
const CHECKPOINT = `checkpoint_seq = case when ${IS_CHECKPOINT_DUE} then checkpoint_next else checkpoint_seq end,
  checkpoint_next = case when ${IS_CHECKPOINT_DUE} then applied_seq else checkpoint_next end,
  checkpoint_at = case when ${IS_CHECKPOINT_DUE} then now() else checkpoint_at end`;

/** Mutations behind the head of the log beyond which a placement is `LAGGING`. */
const LAG_MAX = 1_000;

/** Creates the store. */
export function createLeaseStore(db: Database, instance: Instance): LeaseStore {
  return { ...leases(db, instance), ...held(db), ...overview(db, instance) };
}

function leases(db: Database, instance: Instance): Pick<LeaseStore, 'acquire' | 'release'> {
  const take = async (
    placementId: string,
    ttlMs: number,
    work: LeaseWork,
    deadOwner?: string,
  ): Promise<Lease | undefined> => {
    const [row] = await db.read<LeaseRow>(
      `update placements set lease_owner = $2, lease_until = ${TTL('$3')}, epoch = epoch + 1
       where id = $1 and state in ${STATES[work]}
         and (lease_owner is null or lease_owner in ($2, $4) or lease_until < now())
       returning epoch, applied_seq, repair_seq, state,
         exists (select from quarantined_records q where q.placement_id = placements.id) as has_quarantine`,
      [placementId, instance.id, ttlMs, deadOwner],
    );
    return row && toLease(placementId, row);
  };

  return {
    async acquire(placementId, ttlMs, work = 'FOLLOW') {
      const lease = await take(placementId, ttlMs, work);
      if (lease) return lease;
      const [holder] = await db.read<{ lease_owner: string | null }>(
        'select lease_owner from placements where id = $1',
        [placementId],
      );
      const owner = holder?.lease_owner;
      return owner && instance.isDead(owner) ? take(placementId, ttlMs, work, owner) : undefined;
    },
    async release({ placementId, epoch }) {
      // Of one that is on its way out, the lease tells only whether somebody may still have a request under way.
      await db.write(
        `update placements set lease_owner = null, lease_until = null
         where id = $1 and (epoch = $2 or (state = 'DRAINING' and lease_owner = $3))`,
        [placementId, epoch, instance.id],
      );
    },
  };
}

/** Writes that hold only under the current epoch. */
function held(db: Database): Pick<LeaseStore, 'renew' | 'advance' | 'fail' | 'quarantine' | 'rebuild'> {
  const holds = async (sql: string, params: readonly unknown[]): Promise<boolean> =>
    (await db.read<{ id: string }>(sql, params)).length > 0;

  return {
    renew: ({ placementId, epoch }, ttlMs) =>
      holds(`update placements set lease_until = ${TTL('$3')} where id = $1 and epoch = $2 returning id`, [
        placementId,
        epoch,
        ttlMs,
      ]),
    advance: ({ placementId, epoch }, sequence, ttlMs) =>
      holds(
        `update placements set applied_seq = greatest(applied_seq, $3), lease_until = ${TTL('$4')}, last_error = '',
           applied_at = now(), ${CHECKPOINT},
           state = case when greatest(applied_seq, $3) < sync_seq then 'CATCHING_UP'
                        when greatest(applied_seq, $3) + $5 < d.head_seq then 'LAGGING'
                        else 'IN_SYNC' end, updated_at = now()
         from databases d where d.id = database_id and placements.id = $1 and epoch = $2 returning placements.id`,
        [placementId, epoch, sequence, ttlMs, LAG_MAX],
      ),
    fail: ({ placementId, epoch }, error) =>
      holds(
        // One that has applied the whole log has not failed to: nothing would ever call it back.
        `update placements set last_error = $3, updated_at = now(),
           state = case when placements.state = 'CATCHING_UP' or applied_seq >= d.head_seq then placements.state else 'OFFLINE' end
         from databases d where d.id = database_id and placements.id = $1 and epoch = $2 returning placements.id`,
        [placementId, epoch, error],
      ),
    rebuild: ({ placementId, epoch }) =>
      holds(
        `update placements set state = 'PROVISIONING', copy_source = null, copy_cursor = null, copied = 0,
           lease_owner = null, lease_until = null, updated_at = now()
         where id = $1 and epoch = $2 and role = 'REPLICA' returning id`,
        [placementId, epoch],
      ),
    async quarantine({ placementId, epoch }, refused, taken) {
      return holds(
        `with mine as (select id from placements where id = $1 and epoch = $2 for update),
         forgotten as (
           delete from quarantined_records using mine where placement_id = mine.id and record_id = any($3)
         ), kept as (
           insert into quarantined_records (placement_id, record_id, seq, reason, payload, created_at)
           select mine.id, given.record_id, given.seq, given.reason, given.payload, now()
           from mine, unnest($4::text[], $5::bigint[], $6::text[], $7::bytea[]) as given (record_id, seq, reason, payload)
           on conflict (placement_id, record_id) do update
             set seq = excluded.seq, reason = excluded.reason, payload = excluded.payload, created_at = now()
         )
         select id from mine`,
        [
          placementId,
          epoch,
          taken,
          refused.map(({ record }) => record.id),
          refused.map(({ sequence }) => sequence),
          refused.map(({ reason }) => reason),
          refused.map(({ record }) => encodeUpsert([record]).payload),
        ],
      );
    },
  };
}

function overview(db: Database, instance: Instance): Pick<LeaseStore, 'unserved' | 'progress'> {
  return {
    async unserved(limit) {
      const rows = await db.read<{ id: string; database_id: string; lease_owner: string | null; is_free: boolean }>(
        `select id, database_id, lease_owner, is_free from (
           select p.id, p.database_id, p.lease_owner, p.lease_owner is null or p.lease_until < now() as is_free
           from placements p join databases d on d.id = p.database_id
           where d.state = 'READY' and p.applied_seq < d.head_seq and p.state in ${FOLLOWING}
         ) as behind
         where is_free or starts_with(lease_owner, $2)
         limit $1`,
        [limit, `${instance.machine}.`],
      );
      return rows
        .filter(({ lease_owner: owner, is_free }) => is_free || owner === instance.id || instance.isDead(owner ?? ''))
        .map(({ id, database_id }) => ({ placementId: id, databaseId: database_id }));
    },
    async progress(placementIds) {
      const rows = await db.read<{ id: string; epoch: bigint; applied_seq: bigint }>(
        'select id, epoch, applied_seq from placements where id = any($1::uuid[])',
        [placementIds],
      );
      return rows.map(({ id, epoch, applied_seq }) => ({
        placementId: id,
        epoch: Number(epoch),
        appliedSequence: Number(applied_seq),
      }));
    },
  };
}

function inList(states: readonly PlacementState[]): string {
  return `(${states.map((state) => `'${state}'`).join(', ')})`;
}

interface LeaseRow {
  readonly epoch: bigint;
  readonly applied_seq: bigint;
  readonly repair_seq: bigint;
  readonly state: PlacementState;
  readonly has_quarantine: boolean;
}

function toLease(placementId: string, row: LeaseRow): Lease {
  return {
    placementId,
    epoch: Number(row.epoch),
    appliedSequence: Number(row.applied_seq),
    state: row.state,
    hasQuarantine: row.has_quarantine,
    repairSequence: Number(row.repair_seq),
  };
}
