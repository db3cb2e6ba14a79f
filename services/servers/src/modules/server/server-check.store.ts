import { type Database, newId } from '@morag/orm';

/** What one look at a server found. */
export interface ServerCheck {
  readonly id: string;
  readonly serverId: string;
  readonly status: 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY';
  readonly sinceAt: Date;
  readonly checkedAt: Date;
  readonly latencyMs: number;
  /** Empty when it did not fail. */
  readonly errorCategory: string;
  /** Empty when unknown. */
  readonly serverVersion: string;
  readonly collectionsCount: number | null;
}

/** The newest check of each server. */
export interface ServerCheckStore {
  record(check: Omit<ServerCheck, 'id' | 'sinceAt'>): Promise<void>;
  find(serverId: string): Promise<ServerCheck | undefined>;
}

interface CheckRow {
  readonly check_id: string;
  readonly server_id: string;
  readonly status: ServerCheck['status'];
  readonly since_at: Date;
  readonly checked_at: Date;
  readonly latency_ms: number;
  readonly error_category: string;
  readonly server_version: string;
  readonly collections_count: number | null;
}

/** Creates the store. */
export function createServerCheckStore(db: Database): ServerCheckStore {
  return {
    async record({ serverId, status, checkedAt, latencyMs, errorCategory, serverVersion, collectionsCount }) {
      await db.read(
        `insert into server_checks as old (server_id, check_id, status, since_at, checked_at, latency_ms,
                                           error_category, server_version, collections_count)
         select id, $2, $3, $4, $4, $5, $6, $7, $8 from servers where id = $1
         on conflict (server_id) do update set
           check_id = excluded.check_id, status = excluded.status, checked_at = excluded.checked_at,
           since_at = case when old.status = excluded.status then old.since_at else excluded.since_at end,
           latency_ms = excluded.latency_ms, error_category = excluded.error_category,
           server_version = excluded.server_version, collections_count = excluded.collections_count`,
        [serverId, newId(), status, checkedAt, latencyMs, errorCategory, serverVersion, collectionsCount],
      );
    },
    async find(serverId) {
      const [row] = await db.read<CheckRow>('select * from server_checks where server_id = $1', [serverId]);
      return row && toCheck(row);
    },
  };
}

function toCheck(row: CheckRow): ServerCheck {
  return {
    id: row.check_id,
    serverId: row.server_id,
    status: row.status,
    sinceAt: row.since_at,
    checkedAt: row.checked_at,
    latencyMs: row.latency_ms,
    errorCategory: row.error_category,
    serverVersion: row.server_version,
    collectionsCount: row.collections_count,
  };
}
