import type { Metric } from '@morag/connectors-core';
import {
  appendEvent,
  type Em,
  type ListRequest,
  type ListSpec,
  listPage,
  type Database as Orm,
  type Page,
  query,
} from '@morag/orm';
import type { ReadPolicy, WritePolicy } from '../database/database.ts';
import { databaseDeleted } from '../database/database-deleted.ts';
import type { DatabaseView, PlacementView } from '../database/database-view.ts';
import { NO_PREFERENCE, preferred, type ReadPreference } from '../database/read-preference.ts';
import type { Tenant } from '../server/delete-server.ts';
import type { Placement, PlacementRole, PlacementState, QuarantinedRecord } from './placement.ts';
import { DRAINED_COLUMNS, type DrainedPlacement } from './replica.store.ts';

/** A deleted database of which something is still to be removed. */
export interface Remains {
  readonly databaseId: string;
  /** Nothing was ever written to it. */
  readonly isEmpty: boolean;
  readonly placements: readonly DrainedPlacement[];
}

/** Placements in PostgreSQL. */
export interface PlacementStore {
  /** A database that is ready, with its placements and the revisions of their servers. */
  view(databaseId: string): Promise<DatabaseView | undefined>;
  list(databaseId: string): Promise<readonly Placement[]>;
  quarantined(placementId: string, request: ListRequest): Promise<Page<QuarantinedRecord>>;
  tenantsOf(serverId: string): Promise<readonly Tenant[]>;
  /** The ready database whose placement a collection is. */
  databaseOf(serverId: string, collections: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Hides databases, fences off their appliers and notes for others that they are gone; what they leave is then to be
   * removed. Answers which they were.
   */
  condemn(which: Condemned): Promise<readonly string[]>;
  /** Databases whose removal is unfinished, those first that were tried least recently. */
  remains(limit: number): Promise<readonly Remains[]>;
  remainsOf(databaseId: string): Promise<Remains | undefined>;
  /** The collection is gone. */
  removePlacement(placementId: string): Promise<void>;
  /** Removes the rest of a database that has no placement left: log first, in bounded steps. */
  removeDatabase(databaseId: string): Promise<void>;
  /** Its removal failed for now; others come first. */
  postpone(databaseId: string): Promise<void>;
  /** Gives up the collections of deleted databases and replicas on a server. */
  abandon(serverId: string): Promise<void>;
}

/** A database that a caller sees, one that was not finished, all of an owner's, or those whose making was cut off. */
export type Condemned =
  | { readonly id: string; readonly ownerId?: string }
  | { readonly unfinished: string }
  | { readonly ownedBy: string }
  | 'abandoned';

interface ViewRow {
  readonly id: string;
  readonly owner_id: string;
  readonly dimension: number;
  readonly metric: Metric;
  readonly read_policy: ReadPolicy;
  readonly read_preference: Partial<ReadPreference>;
  readonly write_policy: WritePolicy;
  readonly head_seq: bigint;
  readonly placement_id: string;
  readonly server_id: string;
  readonly revision: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly collection: string;
  readonly role: PlacementRole;
  readonly state: PlacementState;
  readonly applied_seq: bigint;
  readonly epoch: bigint;
}

interface PlacementRow {
  readonly id: string;
  readonly database_id: string;
  readonly server_id: string;
  readonly collection: string;
  readonly role: PlacementRole;
  readonly state: PlacementState;
  readonly applied_seq: bigint;
  readonly head_seq: bigint;
  readonly lag_seconds: number;
  readonly copied: bigint;
  readonly copy_total: bigint;
  readonly quarantined: bigint;
  readonly last_error: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const QUARANTINE: ListSpec = {
  from: 'quarantined_records q',
  columns: 'q.record_id, q.seq, q.reason, q.created_at',
  // Paged by record id alone; the placement's id stands where other lists need one to make the order total.
  id: 'q.placement_id',
  filter: {},
  order: { record_id: { column: 'q.record_id', type: 'text' } },
  defaultOrder: 'record_id',
};

const LOG_ROWS_PER_STEP = 5_000;

/** Creates the store. */
export function createPlacementStore(db: Orm): PlacementStore {
  return { ...reads(db), ...removals(db) };
}

function reads(db: Orm): Pick<PlacementStore, 'view' | 'list' | 'quarantined' | 'tenantsOf' | 'databaseOf'> {
  return {
    async view(databaseId) {
      const rows = await db.read<ViewRow>(
        `select d.id, d.owner_id, d.dimension, d.metric, d.read_policy, d.read_preference, d.write_policy, d.head_seq,
                p.id as placement_id, p.server_id, s.revision, s.labels, p.collection, p.role, p.state, p.applied_seq, p.epoch
         from databases d join placements p on p.database_id = d.id join servers s on s.id = p.server_id
         where d.id = $1 and d.state = 'READY'`,
        [databaseId],
      );
      return toView(rows);
    },
    async list(databaseId) {
      const rows = await db.read<PlacementRow>(
        `select p.*, d.head_seq,
                coalesce(extract(epoch from now() - (select m.created_at from mutations m
                  where m.database_id = d.id and m.seq > p.applied_seq order by m.seq limit 1)), 0)::float8 as lag_seconds,
                (select count(*) from quarantined_records q where q.placement_id = p.id) as quarantined
         from placements p join databases d on d.id = p.database_id
         where d.id = $1 and d.state = 'READY' order by p.role, p.created_at, p.id`,
        [databaseId],
      );
      return rows.map(toPlacement);
    },
    async quarantined(placementId, request) {
      const { rows, next } = await listPage<{ record_id: string; seq: bigint; reason: string; created_at: Date }>(
        db,
        QUARANTINE,
        request,
        [(bind) => `q.placement_id = ${bind(placementId)}`],
      );
      const records = rows.map(({ record_id, seq, reason, created_at }) => ({
        recordId: record_id,
        sequence: Number(seq),
        reason,
        createdAt: created_at,
      }));
      return { rows: records, next };
    },
    tenantsOf: (serverId) =>
      db.read<Tenant>(
        `select d.id as "databaseId", d.name, p.id as "placementId", p.role,
                d.state = 'DELETING' or p.state = 'DRAINING' as "isDeleted"
         from placements p join databases d on d.id = p.database_id where p.server_id = $1 order by d.name, d.id`,
        [serverId],
      ),
    async databaseOf(serverId, collections) {
      const rows = await db.read<{ collection: string; database_id: string }>(
        `select p.collection, p.database_id from placements p where p.server_id = $1 and p.collection = any($2)`,
        [serverId, collections],
      );
      return new Map(rows.map(({ collection, database_id }) => [collection, database_id]));
    },
  };
}

function removals(db: Orm): Omit<PlacementStore, keyof ReturnType<typeof reads>> {
  return {
    remains: (limit) => remains(db, '', [limit]),
    async remainsOf(databaseId) {
      const [found] = await remains(db, 'and d.id = $2', [1, databaseId]);
      return found;
    },
    async condemn(which) {
      const [where, params] = conditionOf(which);
      const condemned = async (em: Em): Promise<readonly string[]> => {
        const rows = await query<{ id: string }>(
          em,
          `with held as materialized (
           select id from databases where state <> 'DELETING' and ${where} order by id for no key update
         ), condemned as (
           update databases set state = 'DELETING', updated_at = now() from held where databases.id = held.id
           returning databases.id
         ), followers as materialized (
           select p.id from placements p join condemned on p.database_id = condemned.id order by p.id for no key update of p
         ), fenced as (
           update placements set epoch = epoch + 1, state = 'DRAINING', updated_at = now()
           from followers where placements.id = followers.id
         )
         select id from condemned`,
          params,
        );
        const ids = rows.map(({ id }) => id);
        for (const id of ids) await appendEvent(em, databaseDeleted(id));
        return ids;
      };
      // What was never there for anybody is only cleared away.
      const isHalfMade = which === 'abandoned' || 'unfinished' in which;
      return db.transaction(condemned, { isChange: (ids) => !isHalfMade && ids.length > 0 });
    },
    async removePlacement(placementId) {
      await db.read('delete from placements where id = $1', [placementId]);
    },
    async removeDatabase(databaseId) {
      let removed: readonly object[];
      do {
        removed = await db.read(
          `delete from mutations where (database_id, seq) in
             (select database_id, seq from mutations where database_id = $1 order by seq limit $2 for update) returning 1`,
          [databaseId, LOG_ROWS_PER_STEP],
        );
      } while (removed.length > 0);
      await db.read(`delete from databases where id = $1 and state = 'DELETING'`, [databaseId]);
    },
    async postpone(databaseId) {
      await db.read(`update databases set updated_at = now() where id = $1 and state = 'DELETING'`, [databaseId]);
    },
    async abandon(serverId) {
      await db.read(
        `delete from placements where id in (
           select p.id from placements p join databases d on d.id = p.database_id
           where (d.state = 'DELETING' or p.state = 'DRAINING') and p.server_id = $1 order by p.id for update of p)`,
        [serverId],
      );
    },
  };
}

async function remains(db: Orm, where: string, params: readonly unknown[]): Promise<readonly Remains[]> {
  return db.read<Remains>(
    `select d.id as "databaseId", d.head_seq = 0 as "isEmpty",
            coalesce((select json_agg(left_over) from (
              select ${DRAINED_COLUMNS} from placements p join servers s on s.id = p.server_id
              where p.database_id = d.id
            ) as left_over), '[]') as placements
     from databases d where d.state = 'DELETING' ${where} order by d.updated_at limit $1`,
    params,
  );
}

function conditionOf(which: Condemned): [string, readonly unknown[]] {
  if (which === 'abandoned') {
    const heardOf = 'select from placements p where p.database_id = databases.id and p.lease_until >= now()';
    return [`state = 'PROVISIONING' and not exists (${heardOf})`, []];
  }
  if ('unfinished' in which) return [`id = $1 and state = 'PROVISIONING'`, [which.unfinished]];
  if ('ownedBy' in which) return ['owner_id = $1', [which.ownedBy]];
  return [`id = $1 and state = 'READY' and ($2::uuid is null or owner_id = $2)`, [which.id, which.ownerId]];
}

function toView(rows: readonly ViewRow[]): DatabaseView | undefined {
  const [database] = rows;
  const preference = { ...NO_PREFERENCE, ...database?.read_preference };
  const placements = rows.map(
    (row): PlacementView => ({
      id: row.placement_id,
      databaseId: row.id,
      serverId: row.server_id,
      revision: row.revision,
      collection: row.collection,
      role: row.role,
      state: row.state,
      appliedSequence: Number(row.applied_seq),
      epoch: Number(row.epoch),
      ...preferred(preference, { serverId: row.server_id, labels: row.labels }),
    }),
  );
  const primary = placements.find(({ role }) => role === 'PRIMARY');
  if (!database || !primary) return undefined;
  return {
    id: database.id,
    ownerId: database.owner_id,
    dimension: database.dimension,
    metric: database.metric,
    readPolicy: database.read_policy,
    pinnedServerId: preference.pinnedServerId,
    writePolicy: database.write_policy,
    headSequence: Number(database.head_seq),
    primary,
    placements,
  };
}

function toPlacement(row: PlacementRow): Placement {
  return {
    id: row.id,
    databaseId: row.database_id,
    serverId: row.server_id,
    collection: row.collection,
    role: row.role,
    state: row.state,
    appliedSequence: Number(row.applied_seq),
    lag: Math.max(0, Number(row.head_seq) - Number(row.applied_seq)),
    lagSeconds: row.lag_seconds,
    copied: Number(row.copied),
    copyTotal: Number(row.copy_total),
    quarantinedCount: Number(row.quarantined),
    lastError: row.last_error,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
