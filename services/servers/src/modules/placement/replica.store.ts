import { type Database, type Em, query, violatedConstraint } from '@morag/orm';
import { collectionInUse } from './collection-fit.ts';

/** What a new replica is made of. */
export interface NewReplica {
  readonly id: string;
  readonly databaseId: string;
  readonly serverId: string;
  readonly collection: string;
}

/** A placement whose collection is to go. */
export interface DrainedPlacement {
  readonly id: string;
  readonly serverId: string;
  readonly revision: number;
  readonly collection: string;
  /** Something of ours may be in its collection. */
  readonly isWritten: boolean;
  /** The instance that may still have a request to the server under way; null when none can. */
  readonly holder: string | null;
}

/** Replicas that come and go, in PostgreSQL. */
export interface ReplicaStore {
  /** Adds a replica that is still to be filled; false when the database is gone. COLLECTION_IN_USE. */
  insert(replica: NewReplica): Promise<boolean>;
  /**
   * Takes a replica out of use and fences off who works on it; false for a primary, and when there is none. Nothing of its
   * database names it any more, nor its server if that was the last one there.
   */
  drain(databaseId: string, placementId: string): Promise<boolean>;
  /** Replicas that were taken out of use, those first that were tried least recently; or one of them. */
  drained(limit: number, placementId?: string): Promise<readonly DrainedPlacement[]>;
  /** Its collection could not be removed now; others come first. */
  postpone(placementId: string): Promise<void>;
}

/** What tells of one, and whose lease on it may still be in use, as columns of `placements p join servers s`. */
export const DRAINED_COLUMNS = `p.id, p.server_id as "serverId", s.revision, p.collection, p.is_written as "isWritten",
  case when p.lease_until > now() then p.lease_owner end as holder`;

/** Creates the store. */
export function createReplicaStore(db: Database): ReplicaStore {
  return {
    async insert({ id, databaseId, serverId, collection }) {
      try {
        const rows = await db.write(
          `insert into placements (id, created_at, updated_at, database_id, server_id, collection, role, state, is_written)
           select $1, now(), now(), d.id, $3, $4, 'REPLICA', 'PROVISIONING', false
           from (select id from databases where id = $2 and state = 'READY' for share) as d returning id`,
          [id, databaseId, serverId, collection],
        );
        return rows.length > 0;
      } catch (error) {
        if (violatedConstraint(error) !== 'placements_server_collection') throw error;
        throw collectionInUse('belongs to a database', { resource: 'placement', cause: error });
      }
    },
    drain: (databaseId, placementId) =>
      db.transaction(async (em) => {
        // Who sets a preference, and who changes the primary, holds this row too.
        await query(em, 'select from databases where id = $1 for no key update', [databaseId]);
        const [drained] = await query<{ serverId: string }>(
          em,
          `update placements set state = 'DRAINING', epoch = epoch + 1, updated_at = now()
           where id = $2 and database_id = $1 and role = 'REPLICA' returning server_id as "serverId"`,
          [databaseId, placementId],
        );
        if (drained) await forget(em, { databaseId, placementId, ...drained });
        return drained !== undefined;
      }, ONLY_IF_SO),
    drained: (limit, placementId) =>
      db.read<DrainedPlacement>(
        `select ${DRAINED_COLUMNS} from placements p join servers s on s.id = p.server_id
         join databases d on d.id = p.database_id
         where p.state = 'DRAINING' and d.state = 'READY' and ($2::uuid is null or p.id = $2)
         order by p.updated_at limit $1`,
        [limit, placementId],
      ),
    async postpone(placementId) {
      await db.write(`update placements set updated_at = now() where id = $1 and state = 'DRAINING'`, [placementId]);
    },
  };
}

const ONLY_IF_SO = { isChange: (isSo: boolean) => isSo };

/** The primary does not go back to a placement that is leaving, and reads neither prefer nor ask its server alone. */
async function forget(
  em: Em,
  { databaseId, placementId, serverId }: { databaseId: string; placementId: string; serverId: string },
): Promise<void> {
  await query(em, 'update databases set home_placement_id = null where id = $1 and home_placement_id = $2', [
    databaseId,
    placementId,
  ]);
  await query(
    em,
    `update databases set version = version + 1, updated_at = now(),
       read_preference = read_preference #- array['weights', $2::text]
         || case when read_preference ->> 'pinnedServerId' = $2::text then '{"pinnedServerId": ""}' else '{}' end::jsonb
     where id = $1 and (read_preference ->> 'pinnedServerId' = $2::text or read_preference -> 'weights' ? $2::text)
       and not exists (select from placements
         where database_id = $1 and server_id = $2::uuid and state <> 'DRAINING')`,
    [databaseId, serverId],
  );
}
