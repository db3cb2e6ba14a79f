import { METRICS } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import {
  type Condition,
  type Em,
  equals,
  type ListRequest,
  type ListSpec,
  listPage,
  type Database as Orm,
  type Page,
  query,
  translatePgError,
  violatedConstraint,
} from '@morag/orm';
import { insertInto, updateVersioned } from '../../sql.ts';
import { collectionInUse } from '../placement/collection-fit.ts';
import type { HoldQuota } from '../quota/quota.store.ts';
import { holdOwner } from '../server/departed-owners.ts';
import type { Scope } from '../server/server.ts';
import { holdsNothing } from './check-preference.ts';
import { type DatabaseRow, toColumns, toDatabase } from './database.row.ts';
import type { Database, DatabaseSpec } from './database.ts';
import { NO_PREFERENCE, serversNamed } from './read-preference.ts';

/** What a new database is made of. */
export interface NewDatabase extends DatabaseSpec {
  readonly id: string;
  readonly ownerId: string;
  readonly placementId: string;
  readonly serverId: string;
  readonly collection: string;
}

/** Who makes a database, and for how long that is believed without another word. */
export interface Hold {
  readonly owner: string;
  readonly ttlMs: number;
}

/** A database that is being made, or whose making was cut off. */
export interface Rival {
  readonly id: string;
  readonly owner: string;
  /** Its maker has not been heard of for too long. */
  readonly isSilent: boolean;
}

/** What an update may set. */
export type DatabaseChanges = Partial<Omit<DatabaseSpec, 'dimension' | 'metric'>>;

/** The databases in PostgreSQL. */
export interface DatabaseStore {
  /** Makes a database that nobody sees yet, and its placement. DATABASE_EXISTS, COLLECTION_IN_USE, QUOTA_EXCEEDED. */
  insert(database: NewDatabase, hold: Hold): Promise<void>;
  /** Whoever makes the database is still at it. */
  hold(id: string, hold: Hold): Promise<void>;
  /** An unfinished database that has the name or the collection that this one wants. */
  rivalOf(database: NewDatabase): Promise<Rival | undefined>;
  /** Shows it to its owner, its placement in sync with the empty log. Undefined when it was given up meanwhile. */
  publish(id: string): Promise<Database | undefined>;
  find(id: string, scope: Scope): Promise<Database | undefined>;
  list(request: ListRequest, scope: Scope): Promise<Page<Database>>;
  /**
   * Undefined when the row has another version by now. DATABASE_EXISTS; PLACEMENT_CONFLICT for a read preference that
   * names a server without a placement.
   */
  update(database: Database, changes: DatabaseChanges): Promise<Database | undefined>;
  /** An older revision changes nothing. False when there is no such database. */
  setDocumentCount(id: string, count: number, revision: bigint): Promise<boolean>;
}

const SOURCE = `databases d join placements p on p.database_id = d.id and p.role = 'PRIMARY'`;
const COLUMNS = 'd.*, p.server_id, p.collection';

const LIST: ListSpec = {
  from: SOURCE,
  columns: COLUMNS,
  id: 'd.id',
  filter: {
    name: { column: 'd.name', kind: 'text' },
    metric: { column: 'upper(d.metric)', kind: METRICS.map((metric) => metric.toUpperCase()) },
    dimension: { column: 'd.dimension', kind: 'integer' },
  },
  order: { create_time: { column: 'd.created_at', type: 'timestamptz' }, name: { column: 'd.name', type: 'text' } },
  defaultOrder: 'create_time desc',
};

const READY: Condition = () => `d.state = 'READY'`;

/** Creates the store. */
export function createDatabaseStore(db: Orm, holdQuota: HoldQuota): DatabaseStore {
  const find = (id: string, scope: Scope): Promise<Database | undefined> => findReady(db, id, scope);
  return {
    ...creation(db, holdQuota),
    find,
    async list(request, { ownerId, databaseIds }) {
      const conditions = ownerId ? [READY, equals('d.owner_id', ownerId)] : [READY];
      if (databaseIds) conditions.push((bind) => `d.id = any(${bind(databaseIds)}::uuid[])`);
      const { rows, next } = await listPage<DatabaseRow>(db, LIST, request, conditions);
      return { rows: rows.map(toDatabase), next };
    },
    async update(database, changes) {
      const statement = updateVersioned('databases', database, toColumns(changes));
      const named = serversNamed(changes.readPreference ?? NO_PREFERENCE);
      try {
        const row = await db.transaction(async (em) => {
          if (named.length > 0) await requirePlacements(em, database.id, named);
          const [updated] = await query<Omit<DatabaseRow, 'server_id' | 'collection'>>(
            em,
            statement.sql,
            statement.params,
          );
          return updated;
        }, IF_FOUND);
        return row && toDatabase({ ...row, server_id: database.serverId, collection: database.collection });
      } catch (error) {
        throw asTaken(error);
      }
    },
    async setDocumentCount(id, count, revision) {
      const rows = await db.read(
        `update databases set
           document_count = case when document_count_revision < $3 then $2 else document_count end,
           document_count_revision = greatest(document_count_revision, $3)
         where id = $1 and state = 'READY' returning id`,
        [id, count, revision],
      );
      return rows.length > 0;
    },
  };
}

function creation(db: Orm, holdQuota: HoldQuota): Pick<DatabaseStore, 'insert' | 'hold' | 'rivalOf' | 'publish'> {
  return {
    insert: (database, hold) => insert(db, holdQuota, database, hold),
    async hold(id, { owner, ttlMs }) {
      await db.read(
        `update placements set lease_until = ${TTL}
         where database_id = $1 and state = 'PROVISIONING' and lease_owner = $3`,
        [id, ttlMs, owner],
      );
    },
    async rivalOf({ ownerId, name, serverId, collection }) {
      const [rival] = await db.read<Rival>(
        `select d.id, coalesce(p.lease_owner, '') as owner, coalesce(p.lease_until < now(), true) as "isSilent"
         from databases d join placements p on p.database_id = d.id
         where d.state = 'PROVISIONING'
           and ((d.owner_id = $1 and d.name = $2) or (p.server_id = $3 and p.collection = $4))
         limit 1`,
        [ownerId, name, serverId, collection],
      );
      return rival;
    },
    async publish(id) {
      const [row] = await db.change<{ id: string }>(
        `with shown as (
           update databases set state = 'READY', updated_at = now() where id = $1 and state = 'PROVISIONING' returning id
         ), following as (
           update placements set state = 'IN_SYNC', lease_owner = null, lease_until = null, updated_at = now()
           from shown where database_id = shown.id
         )
         select id from shown`,
        [id],
      );
      return row && findReady(db, id, {});
    },
  };
}

const TTL = `now() + make_interval(secs => $2::double precision / 1000)`;

async function findReady(db: Orm, id: string, { ownerId, databaseIds }: Scope): Promise<Database | undefined> {
  const [row] = await db.read<DatabaseRow>(
    `select ${COLUMNS} from ${SOURCE}
     where d.id = $1 and d.state = 'READY' and ($2::uuid is null or d.owner_id = $2)
       and ($3::uuid[] is null or d.id = any($3))`,
    [id, ownerId, databaseIds],
  );
  return row && toDatabase(row);
}

/** None is there of the version that was to change. */
const IF_FOUND = { isChange: (row: unknown) => row !== undefined };

/** Seen by nobody before it is published: that is the change. */
const NOT_YET = { isChange: () => false };

async function insert(
  db: Orm,
  holdQuota: HoldQuota,
  { placementId, serverId, collection, ...database }: NewDatabase,
  hold: Hold,
): Promise<void> {
  const times = { created_at: new Date(), updated_at: new Date() };
  const row = insertInto('databases', { ...toColumns(database), ...times, state: 'PROVISIONING' });
  const placement = insertInto('placements', {
    ...times,
    id: placementId,
    database_id: database.id,
    server_id: serverId,
    collection,
    role: 'PRIMARY',
    state: 'PROVISIONING',
  });
  await db
    .transaction(async (em) => {
      await holdOwner(em, database.ownerId);
      await holdQuota(em, 'databases', database.ownerId);
      await query(em, row.sql, row.params);
      await query(em, placement.sql, placement.params);
      await query(em, `update placements set lease_owner = $3, lease_until = ${TTL} where id = $1`, [
        placementId,
        hold.ttlMs,
        hold.owner,
      ]);
    }, NOT_YET)
    .catch((error: unknown) => {
      throw asTaken(error);
    });
}

/** With the row locked, as taking a placement away locks it: no name is stored of a server that is just being left. */
async function requirePlacements(em: Em, databaseId: string, serverIds: readonly string[]): Promise<void> {
  await query(em, 'select from databases where id = $1 for no key update', [databaseId]);
  const [absent] = await query<{ id: string }>(
    em,
    `select named.id from unnest($2::uuid[]) as named (id) where not exists (
       select from placements p where p.database_id = $1 and p.server_id = named.id and p.state <> 'DRAINING')`,
    [databaseId, serverIds],
  );
  if (absent) throw holdsNothing(absent.id);
}

function asTaken(error: unknown): unknown {
  switch (violatedConstraint(error)) {
    case 'databases_owner_name':
      return new DomainError('DATABASE_EXISTS', 'You already have a database of this name.', {
        violations: [{ field: 'database.name', description: 'is taken by another of your databases' }],
        cause: error,
      });
    case 'placements_server_collection':
      return collectionInUse('belongs to another database', { cause: error });
    case 'placements_server_id_foreign':
      return new DomainError('SERVER_NOT_FOUND', 'There is no such server.', { cause: error });
    default:
      return translatePgError(error);
  }
}
