import type { Database } from '@morag/orm';
import { CRASH_WINDOW } from '../log/lease.store.ts';

/** A placement that is wound back. */
export interface WoundBack {
  readonly placementId: string;
  readonly databaseId: string;
}

/** Placements whose server may have lost what it had confirmed. */
export interface WindBackStore {
  /**
   * Takes what was confirmed within the crash window as not applied, on all placements of a server: it is applied again, in
   * a way that repairs, before any of them counts as in sync. A copy that is being made begins anew. Who applies now is
   * fenced off, and keeps its lease: a request of it may be under way.
   */
  windBack(serverId: string): Promise<readonly WoundBack[]>;
}

/** Creates the store. */
export function createWindBackStore(db: Database): WindBackStore {
  return {
    windBack: (serverId) =>
      db.write<WoundBack>(
        // A primary cannot be filled anew: of what was trimmed there is nothing to apply again.
        `with doubtful as (
           select p.id, p.state in ('PROVISIONING', 'BACKFILLING') as is_copy,
                  greatest(case when p.checkpoint_at < now() - ${CRASH_WINDOW} then p.checkpoint_next
                                else p.checkpoint_seq end,
                           case p.role when 'PRIMARY' then d.trimmed_seq else 0 end) as safe_seq
           from placements p join databases d on d.id = p.database_id
           where p.server_id = $1 and d.state = 'READY' and p.state <> 'DRAINING'
         )
         update placements p set epoch = epoch + 1, updated_at = now(),
           state = case when is_copy then 'PROVISIONING' else 'CATCHING_UP' end,
           copy_source = null, copy_cursor = null, copied = 0,
           repair_seq = greatest(repair_seq, applied_seq), sync_seq = greatest(sync_seq, applied_seq),
           applied_seq = least(applied_seq, safe_seq),
           checkpoint_seq = least(checkpoint_seq, safe_seq), checkpoint_next = least(checkpoint_next, safe_seq)
         from doubtful
         where p.id = doubtful.id
           and (is_copy or (safe_seq < applied_seq and applied_at > now() - ${CRASH_WINDOW}))
         returning p.id as "placementId", p.database_id as "databaseId"`,
        [serverId],
      ),
  };
}
