import type { Database } from '@morag/orm';
import { FOLLOWING_STATES } from '../placement/placement.ts';

/** A placement that has not applied all of its log. */
export interface LaggingPlacement {
  readonly serverId: string;
  readonly databaseId: string;
  /** Yet to be applied. */
  readonly mutations: number;
  /** Since the oldest of them was written. */
  readonly seconds: number;
}

/** How far placements are behind their logs, as PostgreSQL knows it. */
export interface LagStore {
  /** Those that have waited longest first. */
  behind(limit: number): Promise<readonly LaggingPlacement[]>;
}

/** Creates the store. */
export function createLagStore(db: Database): LagStore {
  return {
    behind: (limit) =>
      db.read<LaggingPlacement>(
        `select p.server_id as "serverId", p.database_id as "databaseId", (d.head_seq - p.applied_seq)::float8 as mutations,
                coalesce(extract(epoch from now() - (select m.created_at from mutations m
                  where m.database_id = d.id and m.seq > p.applied_seq order by m.seq limit 1)), 0)::float8 as seconds
         from placements p join databases d on d.id = p.database_id
         where d.state = 'READY' and p.applied_seq < d.head_seq
           and p.state = any($2)
         order by seconds desc limit $1`,
        [limit, FOLLOWING_STATES],
      ),
  };
}
