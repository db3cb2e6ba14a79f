import type { OwnerScope } from '@morag/auth';
import { type ListRequest, listPage, newId, type Database as Orm, type Page } from '@morag/orm';
import { newestFirst } from '../../newest-first.ts';
import type { HealthCheck, ServerHealth } from './health.ts';
import type { HealthStatus } from './health-status.ts';

/** A status to be stored. */
export interface StatusChange {
  readonly serverId: string;
  readonly status: HealthStatus;
  readonly sinceAt: Date;
  /** When it stopped in a way that may have cost it what it confirmed: with the status, its wind-back becomes due. */
  readonly stoppedAt?: Date | undefined;
}

/** A status as it is stored. */
export interface StoredStatus extends Omit<StatusChange, 'stoppedAt'> {
  /** The transaction that wrote it: another one whenever it is written again. */
  readonly writtenBy: string;
  /** What to ask with for what is not seen yet. */
  readonly cursor: string;
}

/** Servers' health in PostgreSQL. */
export interface HealthStore {
  /** Appends looks and sets statuses; of servers that are gone, nothing. Two statements, however many they are. */
  write(checks: readonly HealthCheck[], statuses: readonly StatusChange[]): Promise<void>;
  /** What a connection test found: the status too, unless the server is watched, which knows better. */
  writeTest(check: Omit<HealthCheck, 'id'>): Promise<void>;
  /**
   * Statuses that a read which ended at `cursor` may not have seen: those of the transactions that were not over then,
   * however long they took to commit, and of later ones. Some come again.
   */
  statusesSince(cursor: string | undefined): Promise<readonly StoredStatus[]>;
  find(serverId: string): Promise<ServerHealth>;
  /** Of an owner's servers, or of those among them that are named. */
  list(scope: OwnerScope, serverIds?: readonly string[]): Promise<readonly ServerHealth[]>;
  checks(serverId: string, request: ListRequest): Promise<Page<HealthCheck>>;
  /**
   * Rolls up what is older than a day and removes what is older than the retention, of some servers after `afterServerId`.
   * Answers where to go on; undefined after the last. `now`: milliseconds since 1970.
   */
  rollUp(afterServerId: string | undefined, now: number): Promise<string | undefined>;
}

interface CheckRow {
  readonly id: string;
  readonly server_id: string;
  readonly checked_at: Date;
  readonly status: HealthStatus;
  readonly latency_ms: number;
  readonly error_category: string;
  readonly server_version: string;
  readonly collections_count: number | null;
  readonly storage_bytes: bigint | null;
}

interface HealthRow extends CheckRow {
  readonly health_status: HealthStatus | null;
  readonly since_at: Date | null;
  readonly subject: string;
}

/** A look counts until the next one, but not for longer: what nobody watched is neither up nor down. */
const LOOK_SECONDS_MAX = 60;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const RETENTION_MS = 30 * DAY_MS;
const SERVERS_PER_STEP = 200;

/** Of 64 bits, so it never begins anew; and higher than that of every transaction which was over before. */
export const THIS_TRANSACTION = 'pg_current_xact_id()::text::bigint';

const CHECKS = newestFirst('health_checks', {
  columns:
    'id, server_id, checked_at, status, latency_ms, error_category, server_version, collections_count, storage_bytes',
  id: 'server_id',
});

/** Creates the store. */
export function createHealthStore(db: Orm): HealthStore {
  return { ...writes(db), ...reads(db) };
}

function writes(db: Orm): Pick<HealthStore, 'write' | 'writeTest' | 'rollUp'> {
  return {
    async write(checks, statuses) {
      // What follows from them, a wind-back, is not to be later than what tells of them.
      if (statuses.length > 0) await setStatuses(db, statuses);
      if (checks.length > 0) await appendChecks(db, checks);
    },
    async writeTest(check) {
      await appendChecks(db, [{ ...check, id: newId() }]);
      await db.write(
        `insert into server_health as old (server_id, status, since_at, written_xid)
         select id, $2, $3, ${THIS_TRANSACTION} from servers where id = $1
         on conflict (server_id) do update
           set status = excluded.status, written_xid = excluded.written_xid,
               since_at = case when old.status = excluded.status then old.since_at else excluded.since_at end
           where old.status = 'UNKNOWN' or not (select is_active from servers where id = $1)`,
        [check.serverId, check.status, check.checkedAt],
      );
    },
    async rollUp(afterServerId, now) {
      const until = Math.floor((now - DAY_MS) / HOUR_MS) * HOUR_MS;
      const [row] = await db.write<{ last: string | null }>(ROLL_UP, [
        afterServerId,
        SERVERS_PER_STEP,
        firstIdAt(until),
        firstIdAt(now - RETENTION_MS),
        firstIdAt(until + LOOK_SECONDS_MAX * 1_000),
      ]);
      return row?.last ?? undefined;
    },
  };
}

async function appendChecks(db: Orm, checks: readonly HealthCheck[]): Promise<void> {
  await db.write(
    `insert into health_checks (server_id, id, checked_at, status, latency_ms, error_category, server_version,
                                collections_count, storage_bytes)
     select given.* from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::real[], $6::text[],
                                $7::text[], $8::int[], $9::bigint[]) as given (server_id, id)
     join servers on servers.id = given.server_id on conflict do nothing`,
    [
      checks.map(({ serverId }) => serverId),
      checks.map(({ id }) => id),
      checks.map(({ checkedAt }) => checkedAt),
      checks.map(({ status }) => status),
      checks.map(({ latencyMs }) => latencyMs),
      checks.map(({ errorCategory }) => errorCategory),
      checks.map(({ serverVersion }) => serverVersion),
      checks.map(({ collectionsCount }) => collectionsCount),
      checks.map(({ storageBytes }) => storageBytes),
    ],
  );
}

/** A look that ends after its server was switched off says nothing of it any more. */
async function setStatuses(db: Orm, statuses: readonly StatusChange[]): Promise<void> {
  await db.write(
    `insert into server_health as old (server_id, status, since_at, written_xid, stopped_at)
     select given.server_id, case when servers.is_active then given.status else 'UNKNOWN' end, given.since_at,
            ${THIS_TRANSACTION}, case when given.stopped_at is not null then least(given.stopped_at, now()) end
     from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])
       as given (server_id, status, since_at, stopped_at)
     join servers on servers.id = given.server_id
     order by given.server_id
     on conflict (server_id) do update
       set status = excluded.status, since_at = excluded.since_at, written_xid = excluded.written_xid,
           stopped_at = least(old.stopped_at, excluded.stopped_at)`,
    [
      statuses.map(({ serverId }) => serverId),
      statuses.map(({ status }) => status),
      statuses.map(({ sinceAt }) => sinceAt),
      statuses.map(({ stoppedAt }) => stoppedAt),
    ],
  );
}

/** Each look with the seconds for which it stands; looks of a time when the fault was ours stand for none. */
const spans = (where: string): string => `
  select server_id, id, checked_at, coalesce(uptime, (error_category = '')::int) as answered,
         case when uptime is not null then 3600
              when status = 'UNKNOWN' then 0
              else least(${LOOK_SECONDS_MAX}, extract(epoch from
                     lead(checked_at, 1, now()) over (partition by server_id order by id) - checked_at)) end as seconds
  from health_checks where ${where}`;

/**
 * The servers are locked first: who deletes one has its looks with it, and another instance rolls up the same ones. Looks
 * before `$3` are rolled up, hours before `$4` go; the first look after an hour is needed to know when
 * its last ends.
 */
const ROLL_UP = `
  with chosen as materialized (
    select id from servers where $1::uuid is null or id > $1 order by id limit $2 for no key update
  ), expired as (
    delete from health_checks using chosen where server_id = chosen.id and health_checks.id < $4
  ), looks as materialized (
    ${spans(`server_id in (select id from chosen) and id >= $4 and id < $5 and uptime is null`)}
  ), old as (
    delete from health_checks checks using looks
    where checks.server_id = looks.server_id and checks.id = looks.id and checks.id < $3
    returning checks.*, looks.answered, looks.seconds
  ), hours as (
    insert into health_checks (server_id, id, checked_at, status, latency_ms, error_category, server_version,
                               collections_count, storage_bytes, uptime)
    select server_id, max(id::text)::uuid, date_trunc('hour', checked_at),
           mode() within group (order by status), avg(latency_ms), mode() within group (order by error_category),
           (array_agg(server_version order by id desc))[1], (array_agg(collections_count order by id desc))[1],
           (array_agg(storage_bytes order by id desc))[1],
           coalesce(sum(answered * seconds) / nullif(sum(seconds), 0), 0)
    from old group by server_id, date_trunc('hour', checked_at)
  )
  select case when count(*) = $2 then max(id::text)::uuid end as last from chosen`;

function reads(db: Orm): Pick<HealthStore, 'statusesSince' | 'find' | 'list' | 'checks'> {
  return {
    statusesSince: (cursor) =>
      db.read<StoredStatus>(
        // Below the xmin of its snapshot every transaction is over, and seen if it committed.
        `select server_id as "serverId", status, since_at as "sinceAt", written_xid::text as "writtenBy",
                pg_snapshot_xmin(pg_current_snapshot())::text as cursor
         from server_health where written_xid >= coalesce($1::bigint, 0)`,
        [cursor],
      ),
    async find(serverId) {
      const [health] = await readHealth(db, 'select $1::uuid as id', [serverId]);
      return { ...(health ?? unseen(serverId)), uptime: await readUptime(db, serverId) };
    },
    list: ({ ownerId, serverIds: visible }, serverIds) =>
      readHealth(
        db,
        `select id from servers where ($1::uuid is null or owner_id = $1)
           and ($2::uuid[] is null or id = any($2)) and ($3::uuid[] is null or id = any($3))`,
        [ownerId, serverIds, visible],
      ),
    async checks(serverId, request) {
      const page = await listPage<CheckRow>(db, CHECKS, request, [(bind) => `server_id = ${bind(serverId)}`]);
      return { rows: page.rows.map(toCheck), next: page.next };
    },
  };
}

async function readHealth(db: Orm, subjects: string, params: readonly unknown[]): Promise<readonly ServerHealth[]> {
  const rows = await db.read<HealthRow>(
    `select subject.id as subject, health.status as health_status, health.since_at, newest.*
     from (${subjects}) as subject
     left join server_health health on health.server_id = subject.id
     left join lateral (
       select * from health_checks where server_id = subject.id order by id desc limit 1
     ) as newest on true`,
    params,
  );
  return rows.map((row) => ({
    serverId: row.subject,
    status: row.health_status ?? 'UNKNOWN',
    sinceAt: row.since_at ?? undefined,
    lastCheck: row.id ? toCheck(row) : undefined,
    uptime: {},
  }));
}

async function readUptime(db: Orm, serverId: string): Promise<ServerHealth['uptime']> {
  const share = (window: string): string => {
    const seconds = `greatest(0, least(seconds, extract(epoch from
      checked_at + make_interval(secs => seconds::float8) - (now() - interval '${window}'))))`;
    return `round((sum(answered * ${seconds}) / nullif(sum(${seconds}), 0))::numeric, 6)`;
  };
  const [row] = await db.read<{ hour: number | null; day: number | null; week: number | null }>(
    `with spans as (${spans(`server_id = $1 and checked_at > now() - interval '7 days'`)})
     select (${share('1 hour')})::float8 as hour, (${share('1 day')})::float8 as day,
            (${share('7 days')})::float8 as week from spans`,
    [serverId],
  );
  return { hour: row?.hour ?? undefined, day: row?.day ?? undefined, week: row?.week ?? undefined };
}

/** The least UUIDv7 of a time. */
function firstIdAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

function unseen(serverId: string): ServerHealth {
  return { serverId, status: 'UNKNOWN', sinceAt: undefined, lastCheck: undefined, uptime: {} };
}

function toCheck(row: CheckRow): HealthCheck {
  return {
    id: row.id,
    serverId: row.server_id,
    checkedAt: row.checked_at,
    status: row.status,
    latencyMs: row.latency_ms,
    errorCategory: row.error_category,
    serverVersion: row.server_version,
    collectionsCount: row.collections_count,
    storageBytes: row.storage_bytes === null ? null : Number(row.storage_bytes),
  };
}
