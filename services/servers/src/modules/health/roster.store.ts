import type { Database } from '@morag/orm';
import { type ServerRow, toServer } from '../server/server.store.ts';
import type { Server } from '../server/server.ts';

/** A server to be watched, and how it was configured when it was read. */
export interface RosterEntry {
  readonly id: string;
  readonly revision: number;
}

/** The servers that are to be watched: all that are active. */
export interface RosterStore {
  /** Changes with every change of a server that matters; one cheap statement. */
  fingerprint(): Promise<string>;
  list(): Promise<readonly RosterEntry[]>;
  load(ids: readonly string[]): Promise<readonly Server[]>;
}

/** Creates the store. */
export function createRosterStore(db: Database): RosterStore {
  return {
    async fingerprint() {
      const [row] = await db.read<{ fingerprint: string }>(
        `select count(*) || ' ' || coalesce(sum(hashtext(id::text || revision::text)::bigint), 0) as fingerprint
         from servers where is_active`,
      );
      return row?.fingerprint ?? '';
    },
    list: () => db.read<RosterEntry>('select id, revision from servers where is_active'),
    async load(ids) {
      const rows = await db.read<ServerRow>('select * from servers where id = any($1::uuid[])', [ids]);
      return rows.map(toServer);
    },
  };
}
