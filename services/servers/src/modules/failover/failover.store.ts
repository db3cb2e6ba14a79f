import { type Em, type ListRequest, listPage, type Database as Orm, type Page, query } from '@morag/orm';
import { newestFirst } from '../../newest-first.ts';
import type { PlacementRole, PlacementState } from '../placement/placement.ts';
import type { WebhookStore } from '../webhook/webhook.store.ts';
import type { FailoverEvent } from './failover.ts';

/** A placement of a database that may have to change its primary. */
export interface PlacedCopy {
  readonly databaseId: string;
  readonly placementId: string;
  readonly serverId: string;
  readonly role: PlacementRole;
  readonly state: PlacementState;
  readonly appliedSequence: number;
}

/** A database and its copies. */
export interface PlacedDatabase {
  readonly databaseId: string;
  readonly copies: readonly PlacedCopy[];
  /** Changes of its primary within the window that nobody asked for. */
  readonly recentChanges: number;
}

/** A database that is to go back by itself to where its primary was. */
export interface DisplacedDatabase {
  readonly databaseId: string;
  readonly home: PlacedCopy;
  readonly primary: PlacedCopy;
  readonly delayMs: number;
  /** See `PlacedDatabase.recentChanges`. */
  readonly recentChanges: number;
}

/** Changes of primaries in PostgreSQL. */
export interface FailoverStore {
  /** Databases that have their primary on one of these servers and a replica elsewhere. */
  endangered(serverIds: readonly string[], windowMs: number): Promise<readonly PlacedDatabase[]>;
  /** Databases whose primary is elsewhere after a failover, which are to go back, and whose home may be well again. */
  displaced(windowMs: number): Promise<readonly DisplacedDatabase[]>;
  /** The copies of one database; none when there is no such database. */
  copies(databaseId: string): Promise<readonly PlacedCopy[]>;
  /** Takes part in the transaction that makes the change; webhooks are told of it when that is committed. */
  insert(em: Em, event: FailoverEvent): Promise<void>;
  list(databaseId: string, request: ListRequest): Promise<Page<FailoverEvent>>;
}

interface CopyRow {
  readonly database_id: string;
  readonly id: string;
  readonly server_id: string;
  readonly role: PlacementRole;
  readonly state: PlacementState;
  readonly applied_seq: bigint;
  readonly recent: bigint;
}

interface DisplacedRow {
  readonly id: string;
  readonly fail_back_delay_seconds: number;
  readonly home: PlacedCopy;
  readonly primary: PlacedCopy;
  readonly recent: bigint;
}

interface EventRow {
  readonly id: string;
  readonly database_id: string;
  readonly from_placement_id: string;
  readonly to_placement_id: string;
  readonly reason: string;
  readonly is_automatic: boolean;
  readonly detected_at: Date;
  readonly promoted_at: Date;
  readonly first_seq: bigint;
  readonly last_seq: bigint;
}

const EVENTS = newestFirst('failover_events', { id: 'database_id' });

const DATABASES_PER_LOOK = 100;
/** More: those whose delay has not passed keep nobody out. */
const DISPLACED_PER_LOOK = 1_000;
/** A row of `placements` as a `PlacedCopy`. */
const copyOf = (row: string): string =>
  `json_build_object('databaseId', ${row}.database_id, 'placementId', ${row}.id, 'serverId', ${row}.server_id,
     'role', ${row}.role, 'state', ${row}.state, 'appliedSequence', ${row}.applied_seq)`;
/** How often the primary of a database was changed without anybody asking, within the milliseconds of a parameter. */
const recentChangesOf = (database: string, windowMs: string): string =>
  `(select count(*) from failover_events e where e.database_id = ${database} and e.is_automatic
     and e.promoted_at > now() - make_interval(secs => ${windowMs}::float8 / 1000))`;

/** Creates the store. */
export function createFailoverStore(db: Orm, webhooks: Pick<WebhookStore, 'announce'>): FailoverStore {
  return { ...standings(db), ...events(db, webhooks) };
}

function standings(db: Orm): Pick<FailoverStore, 'endangered' | 'displaced' | 'copies'> {
  return {
    async endangered(serverIds, windowMs) {
      const rows = await db.read<CopyRow>(
        `with endangered as (
           select p.database_id from placements p join databases d on d.id = p.database_id
           where p.server_id = any($1::uuid[]) and p.role = 'PRIMARY' and d.state = 'READY'
             and exists (select from placements other where other.database_id = d.id and other.role = 'REPLICA')
           order by p.database_id limit ${DATABASES_PER_LOOK}
         )
         select p.database_id, p.id, p.server_id, p.role, p.state, p.applied_seq,
                ${recentChangesOf('p.database_id', '$2')} as recent
         from placements p join endangered using (database_id) order by p.database_id`,
        [serverIds, windowMs],
      );
      return [...Map.groupBy(rows, ({ database_id }) => database_id)].map(([databaseId, of]) => ({
        databaseId,
        copies: of.map(toCopy),
        recentChanges: Number(of[0]?.recent ?? 0),
      }));
    },
    async displaced(windowMs) {
      const rows = await db.read<DisplacedRow>(
        `select d.id, d.fail_back_delay_seconds, ${copyOf('h')} as home, ${copyOf('p')} as "primary",
                ${recentChangesOf('d.id', '$1')} as recent
         from databases d
         join placements p on p.database_id = d.id and p.role = 'PRIMARY'
         join placements h on h.id = d.home_placement_id and h.state = 'IN_SYNC'
         join server_health s on s.server_id = h.server_id and s.status = 'HEALTHY'
         where d.home_placement_id is not null and d.fail_back = 'AUTOMATIC' and d.state = 'READY'
         order by d.id limit ${DISPLACED_PER_LOOK}`,
        [windowMs],
      );
      return rows.map(({ id, fail_back_delay_seconds, home, primary, recent }) => ({
        databaseId: id,
        home,
        primary,
        delayMs: fail_back_delay_seconds * 1_000,
        recentChanges: Number(recent),
      }));
    },
    async copies(databaseId) {
      const rows = await db.read<CopyRow>(
        `select p.database_id, p.id, p.server_id, p.role, p.state, p.applied_seq
         from placements p join databases d on d.id = p.database_id where d.id = $1 and d.state = 'READY'`,
        [databaseId],
      );
      return rows.map(toCopy);
    },
  };
}

function events(db: Orm, webhooks: Pick<WebhookStore, 'announce'>): Pick<FailoverStore, 'insert' | 'list'> {
  return {
    async insert(em, event) {
      await query(
        em,
        `insert into failover_events (id, database_id, from_placement_id, to_placement_id, reason, is_automatic,
                                      detected_at, promoted_at, first_seq, last_seq)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          event.id,
          event.databaseId,
          event.fromPlacementId,
          event.toPlacementId,
          event.reason,
          event.isAutomatic,
          event.detectedAt,
          event.promotedAt,
          event.firstSequence,
          event.lastSequence,
        ],
      );
      const { id, databaseId, promotedAt } = event;
      const time = promotedAt.toISOString();
      await webhooks.announce(em, { databaseId }, { id, type: 'FAILOVER', time, data: toData(event) });
    },
    async list(databaseId, request) {
      const page = await listPage<EventRow>(db, EVENTS, request, [(bind) => `database_id = ${bind(databaseId)}`]);
      return { rows: page.rows.map(toEvent), next: page.next };
    },
  };
}

function toCopy(row: CopyRow): PlacedCopy {
  return {
    databaseId: row.database_id,
    placementId: row.id,
    serverId: row.server_id,
    role: row.role,
    state: row.state,
    appliedSequence: Number(row.applied_seq),
  };
}

function toEvent(row: EventRow): FailoverEvent {
  return {
    id: row.id,
    databaseId: row.database_id,
    fromPlacementId: row.from_placement_id,
    toPlacementId: row.to_placement_id,
    reason: row.reason,
    isAutomatic: row.is_automatic,
    detectedAt: row.detected_at,
    promotedAt: row.promoted_at,
    firstSequence: Number(row.first_seq),
    lastSequence: Number(row.last_seq),
  };
}

/** As `FailoverEvent` is in the contract's JSON. */
function toData({
  isAutomatic: _,
  detectedAt,
  promotedAt,
  firstSequence,
  lastSequence,
  ...rest
}: FailoverEvent): object {
  return {
    ...rest,
    detectTime: detectedAt.toISOString(),
    promoteTime: promotedAt.toISOString(),
    firstSequence: String(firstSequence),
    lastSequence: String(lastSequence),
  };
}
