import { type ListRequest, listPage, type Database as Orm, type Page } from '@morag/orm';
import { newestFirst } from '../../newest-first.ts';
import type { ConnectionEvent, ConnectionEventKind } from './connection-event.ts';

/** Connection events in PostgreSQL. */
export interface ConnectionEventStore {
  /** Appends events, of servers that are still there, and removes the oldest of each beyond its bound. */
  append(events: readonly ConnectionEvent[]): Promise<void>;
  list(serverId: string, request: ListRequest): Promise<Page<ConnectionEvent>>;
}

/** So many are kept of a server. */
export const EVENTS_PER_SERVER = 1_000;

interface EventRow {
  readonly id: string;
  readonly server_id: string;
  readonly kind: ConnectionEventKind;
  readonly detail: string;
  readonly created_at: Date;
}

const EVENTS = newestFirst('connection_events', { id: 'server_id' });

/** Creates the store. */
export function createConnectionEventStore(db: Orm): ConnectionEventStore {
  return {
    async append(events) {
      await db.write(
        `insert into connection_events (server_id, id, kind, detail, created_at)
         select given.* from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
           as given (server_id, id, kind, detail, created_at)
         join servers on servers.id = given.server_id`,
        [
          events.map(({ serverId }) => serverId),
          events.map(({ id }) => id),
          events.map(({ kind }) => kind),
          events.map(({ detail }) => detail),
          events.map(({ createdAt }) => createdAt),
        ],
      );
      await db.write(
        `delete from connection_events where (server_id, id) in (
           select event.server_id, event.id from connection_events event join unnest($1::uuid[]) as touched (server_id) using (server_id)
           where event.id < (select id from connection_events kept where kept.server_id = touched.server_id
                             order by id desc offset $2 limit 1)
           for update of event skip locked)`,
        [[...new Set(events.map(({ serverId }) => serverId))], EVENTS_PER_SERVER - 1],
      );
    },
    async list(serverId, request) {
      const page = await listPage<EventRow>(db, EVENTS, request, [(bind) => `server_id = ${bind(serverId)}`]);
      const rows = page.rows.map(({ id, server_id, kind, detail, created_at }) => ({
        id,
        serverId: server_id,
        kind,
        detail,
        createdAt: created_at,
      }));
      return { rows, next: page.next };
    },
  };
}
