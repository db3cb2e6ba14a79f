import { DomainError } from '@morag/errors';
import {
  type Database,
  type Em,
  equals,
  type ListRequest,
  type ListSpec,
  listPage,
  type Page,
  query,
  translatePgError,
  violatedConstraint,
} from '@morag/orm';
import type { JsonObject } from '../../json.ts';
import { type Columns, insertInto, type Statement, updateVersioned } from '../../sql.ts';
import { THIS_TRANSACTION } from '../health/health.store.ts';
import type { HoldQuota } from '../quota/quota.store.ts';
import { holdOwner, noteDeparture } from './departed-owners.ts';
import { type Scope, SERVER_TYPES, type Server, type ServerType, type TlsMode } from './server.ts';

/** What a new row is made of; the rest has its defaults. */
export type NewServer = Omit<
  Server,
  'isActive' | 'lastConnectedAt' | 'revision' | 'version' | 'createdAt' | 'updatedAt'
>;

/** What an update may set. */
export type ServerChanges = Partial<Omit<Server, 'id' | 'ownerId' | 'type' | 'version' | 'createdAt' | 'updatedAt'>>;

/** The servers in PostgreSQL. */
export interface ServerStore {
  /** SERVER_EXISTS when the owner has one of this name, QUOTA_EXCEEDED when enough of others. */
  insert(server: NewServer): Promise<Server>;
  find(id: string, scope: Scope): Promise<Server | undefined>;
  list(request: ListRequest, scope: Scope): Promise<Page<Server>>;
  /** Undefined when the row has another version by now. SERVER_EXISTS as above. */
  update(server: Server, changes: ServerChanges): Promise<Server | undefined>;
  /** A connection test of this revision succeeded; changes nothing when the server was changed meanwhile. */
  activate(id: string, revision: number, at: Date): Promise<Server | undefined>;
  /** False when something still stands on the server. */
  remove(id: string): Promise<boolean>;
  /** From now on nothing is made for the owner; what is being made is there to be removed. */
  noteDeparture(ownerId: string): Promise<void>;
  /** Ids of all servers of an owner. */
  ownedBy(ownerId: string): Promise<readonly string[]>;
}

/** A row of `servers`. */
export interface ServerRow {
  readonly id: string;
  readonly owner_id: string;
  readonly name: string;
  readonly type: ServerType;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  readonly username: string;
  readonly sealed_password: string | null;
  readonly sealed_api_key: string | null;
  readonly database: string;
  readonly collection: string;
  readonly config: JsonObject;
  readonly labels: Record<string, string>;
  readonly is_active: boolean;
  readonly last_connected_at: Date | null;
  readonly revision: number;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const LIST: ListSpec = {
  from: 'servers',
  columns: '*',
  id: 'id',
  filter: {
    name: { column: 'name', kind: 'text' },
    type: { column: 'type', kind: SERVER_TYPES },
    host: { column: 'host', kind: 'text' },
    is_active: { column: 'is_active', kind: 'boolean' },
  },
  order: { create_time: { column: 'created_at', type: 'timestamptz' }, name: { column: 'name', type: 'text' } },
  defaultOrder: 'create_time desc',
};

/** Creates the store. */
export function createServerStore(db: Database, holdQuota: HoldQuota): ServerStore {
  const run = async ({ sql, params }: Statement): Promise<Server | undefined> => {
    try {
      const [row] = await db.change<ServerRow>(sql, params);
      return row && toServer(row);
    } catch (error) {
      throw asServerExists(error);
    }
  };

  return {
    insert: (server) => insert(db, holdQuota, server),
    async find(id, { ownerId, serverIds }) {
      const [row] = await db.read<ServerRow>(
        `select * from servers
         where id = $1 and ($2::uuid is null or owner_id = $2) and ($3::uuid[] is null or id = any($3))`,
        [id, ownerId, serverIds],
      );
      return row && toServer(row);
    },
    async list(request, { ownerId, serverIds }) {
      const conditions = ownerId ? [equals('owner_id', ownerId)] : [];
      if (serverIds) conditions.push((bind) => `id = any(${bind(serverIds)}::uuid[])`);
      const { rows, next } = await listPage<ServerRow>(db, LIST, request, conditions);
      return { rows: rows.map(toServer), next };
    },
    update(server, changes) {
      const statement = updateVersioned('servers', server, toColumns(changes));
      return run(changes.isActive === false ? forgettingHealth(statement) : statement);
    },
    activate: (id, revision, at) =>
      run({
        sql: `update servers set is_active = true, last_connected_at = $3, version = version + 1, updated_at = now()
              where id = $1 and revision = $2 returning *`,
        params: [id, revision, at],
      }),
    async remove(id) {
      try {
        await db.change('delete from servers where id = $1', [id]);
        return true;
      } catch (error) {
        if (violatedConstraint(error) === 'placements_server_id_foreign') return false;
        throw error;
      }
    },
    noteDeparture: (ownerId) => noteDeparture(db, ownerId),
    async ownedBy(ownerId) {
      const rows = await db.read<{ id: string }>('select id from servers where owner_id = $1', [ownerId]);
      return rows.map(({ id }) => id);
    },
  };
}

/** What was seen of a server says nothing of the place that it is switched to; some process may never have watched it. */
function forgettingHealth({ sql, params }: Statement): Statement {
  return {
    sql: `with changed as (${sql}), forgotten as (
            update server_health set status = 'UNKNOWN', since_at = now(), written_xid = ${THIS_TRANSACTION}
            from changed where server_id = changed.id
          ) select * from changed`,
    params,
  };
}

async function insert(db: Database, holdQuota: HoldQuota, server: NewServer): Promise<Server> {
  const now = new Date();
  const { sql, params } = insertInto('servers', { ...toColumns(server), created_at: now, updated_at: now });
  const work = async (em: Em): Promise<ServerRow[]> => {
    await holdOwner(em, server.ownerId);
    await holdQuota(em, 'servers', server.ownerId);
    return query<ServerRow>(em, sql, params);
  };
  const [row] = await db.transaction(work).catch((error: unknown) => {
    throw asServerExists(error);
  });
  if (!row) throw new Error('an insert returned no row');
  return toServer(row);
}

/** A row of `servers` as the domain sees it. */
export function toServer(row: ServerRow): Server {
  return {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    type: row.type,
    host: row.host,
    port: row.port,
    tls: row.tls,
    username: row.username,
    sealedPassword: row.sealed_password,
    sealedApiKey: row.sealed_api_key,
    database: row.database,
    collection: row.collection,
    config: row.config,
    labels: row.labels,
    isActive: row.is_active,
    lastConnectedAt: row.last_connected_at,
    revision: row.revision,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const COLUMNS = {
  id: 'id',
  ownerId: 'owner_id',
  name: 'name',
  type: 'type',
  host: 'host',
  port: 'port',
  tls: 'tls',
  username: 'username',
  sealedPassword: 'sealed_password',
  sealedApiKey: 'sealed_api_key',
  database: 'database',
  collection: 'collection',
  config: 'config',
  labels: 'labels',
  isActive: 'is_active',
  lastConnectedAt: 'last_connected_at',
  revision: 'revision',
} as const satisfies Partial<Record<keyof Server, keyof ServerRow>>;

function toColumns(values: ServerChanges | NewServer): Columns {
  const columns: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(values)) {
    if (value !== undefined) columns[COLUMNS[field as keyof typeof COLUMNS]] = value;
  }
  return columns;
}

function asServerExists(error: unknown): unknown {
  if (violatedConstraint(error) !== 'servers_owner_name') return translatePgError(error);
  return new DomainError('SERVER_EXISTS', 'You already have a server of this name.', {
    violations: [{ field: 'server.name', description: 'is taken by another of your servers' }],
    cause: error,
  });
}
