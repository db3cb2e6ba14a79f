import { type Database, type Em, holdQuota, query } from '@morag/orm';
import type { Target } from './record-quota.ts';

/** How much an owner may have of each thing; 0: no limit. */
export interface QuotaLimits {
  readonly servers: number;
  readonly databases: number;
  readonly records: number;
}

/** What can be counted in PostgreSQL. */
export type CountedNoun = 'servers' | 'databases' | 'webhooks';

/** Each event is told to each of them, so there are few; not a setting. */
const WEBHOOKS_MAX = 20;

/** Keeps an owner within its limits; in the transaction that makes something. QUOTA_EXCEEDED. */
export type HoldQuota = (em: Em, noun: CountedNoun, ownerId: string) => Promise<void>;

/** Databases that are being made count, so that no two are made of the last unit; those being deleted do not. */
const COUNTS: Readonly<Record<CountedNoun, string>> = {
  servers: 'select count(*)::int as used from servers where owner_id = $1',
  databases: `select count(*)::int as used from databases where owner_id = $1 and state <> 'DELETING'`,
  webhooks: 'select count(*)::int as used from webhooks where owner_id = $1',
};

/** What owners may have, and have. */
export interface QuotaStore {
  readonly limits: QuotaLimits & Readonly<Record<CountedNoun, number>>;
  readonly hold: HoldQuota;
  used(noun: CountedNoun, ownerId: string): Promise<number>;
  /** Where the records of each of an owner's databases are. */
  targets(ownerId: string): Promise<readonly Target[]>;
}

/** Creates the store. */
export function createQuotaStore(db: Database, settings: QuotaLimits): QuotaStore {
  const limits = { ...settings, webhooks: WEBHOOKS_MAX };
  return {
    limits,
    hold: (em, name, ownerId) =>
      holdQuota(em, {
        name,
        limit: limits[name],
        ownerId,
        adding: 1,
        used: async () => (await query<{ used: number }>(em, COUNTS[name], [ownerId]))[0]?.used ?? 0,
      }),
    async used(noun, ownerId) {
      const [row] = await db.read<{ used: number }>(COUNTS[noun], [ownerId]);
      return row?.used ?? 0;
    },
    targets: (ownerId) =>
      db.read<Target>(
        `select d.id as "databaseId", s.id as "serverId", s.revision, p.collection, p.id as "placementId",
                d.head_seq::float8 as "headSequence", p.applied_seq::float8 as "appliedSequence"
         from databases d
         join placements p on p.database_id = d.id and p.role = 'PRIMARY'
         join servers s on s.id = p.server_id
         where d.owner_id = $1 and d.state = 'READY'`,
        [ownerId],
      ),
  };
}
