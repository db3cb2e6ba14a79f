import type { Database } from '@morag/orm';
import { CRASH_WINDOW } from '../log/lease.store.ts';

/** What came of a look. */
export interface WoundBack {
  /** Servers that were due. */
  readonly servers: number;
  readonly placements: readonly WoundBackPlacement[];
}

/** A placement that is wound back. */
export interface WoundBackPlacement {
  readonly serverId: string;
  readonly placementId: string;
  readonly databaseId: string;
}

/** Placements whose server may have lost what it had confirmed. */
export interface WindBackStore {
  /**
   * Takes what was confirmed within the crash window as not applied, on all placements of servers whose wind-back is due:
   * it is applied again, in a way that repairs, before any of them counts as in sync. A copy that is being made begins
   * anew. Who applies now is fenced off, and keeps its lease: a request of it may be under way. In the same transaction
   * the servers are due no more; those at which another instance is are left out.
   */
  windBackDue(): Promise<WoundBack>;
}

const SERVERS_AT_ONCE = 100;
/** Leaves a crash window more than enough for what a vendor may lose, and for what two clocks differ. */
const HALF_WINDOW = `interval '30 seconds'`;

/** Creates the store. */
export function createWindBackStore(db: Database): WindBackStore {
  return {
    async windBackDue() {
      const rows = await db.write<WoundBackPlacement & { readonly placementId: string | null }>(WIND_BACK, [
        SERVERS_AT_ONCE,
      ]);
      const servers = new Set(rows.map(({ serverId }) => serverId)).size;
      return { servers, placements: rows.filter(({ placementId }) => placementId !== null) };
    },
  };
}

/** By the role that the placement has when it is wound back, which a change of the primary may just have given it. */
const SAFE = `greatest(checkpoint_safe, case p.role when 'PRIMARY' then trimmed_seq else 0 end)`;

/**
 * Checkpoints that were taken long after the stop, since it became known late, tell nothing of what was safe before it. A
 * primary cannot be filled anew: of what was trimmed there is nothing to apply again.
 */
const WIND_BACK = `
  with due as materialized (
    select server_id, stopped_at from server_health where stopped_at is not null limit $1 for update skip locked
  ), done as (
    update server_health set stopped_at = null from due where server_health.server_id = due.server_id
  ), doubtful as materialized (
    select p.id, due.stopped_at, p.state in ('PROVISIONING', 'BACKFILLING') as is_copy,
           case when p.checkpoint_at < due.stopped_at - ${CRASH_WINDOW} then p.checkpoint_next
                when p.checkpoint_at < due.stopped_at + ${HALF_WINDOW} then p.checkpoint_seq
                else 0 end as checkpoint_safe, d.trimmed_seq
    from due join placements p on p.server_id = due.server_id join databases d on d.id = p.database_id
    where d.state = 'READY' and p.state <> 'DRAINING' order by p.id for no key update of p
  ), wound_back as (
    update placements p set epoch = epoch + 1, updated_at = now(),
      state = case when is_copy then 'PROVISIONING' else 'CATCHING_UP' end,
      copy_source = null, copy_cursor = null, copied = 0,
      repair_seq = greatest(repair_seq, applied_seq), sync_seq = greatest(sync_seq, applied_seq),
      applied_seq = least(applied_seq, ${SAFE}),
      checkpoint_seq = least(checkpoint_seq, ${SAFE}), checkpoint_next = least(checkpoint_next, ${SAFE})
    from doubtful
    where p.id = doubtful.id
      and (is_copy or (${SAFE} < applied_seq and applied_at > stopped_at - ${CRASH_WINDOW}))
    returning p.server_id, p.id, p.database_id
  )
  select due.server_id as "serverId", wound_back.id as "placementId", wound_back.database_id as "databaseId"
  from due left join wound_back using (server_id)`;
