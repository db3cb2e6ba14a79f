import { type Database, type Em, holdQuota, query } from '@morag/orm';

/** How much an owner may have of each thing; 0: no limit. */
export interface QuotaLimits {
  readonly documents: number;
  /** Of all versions of all documents. */
  readonly bytes: number;
  /** That have not ended. */
  readonly jobs: number;
}

/** See QuotaLimits. */
export type QuotaName = keyof QuotaLimits;

/** In the order in which their locks are taken. */
export const QUOTA_NAMES: readonly QuotaName[] = ['documents', 'bytes', 'jobs'];

/** Documents that are deleted count no more, also while their vectors are still to be removed. */
const COUNTS: Readonly<Record<QuotaName, string>> = {
  documents: `select count(*)::float8 as used from documents.documents where owner_id = $1 and state <> 'DELETED'`,
  bytes: `select coalesce(sum(v.size_bytes), 0)::float8 as used
          from documents.documents d join documents.document_versions v on v.document_id = d.id
          where d.owner_id = $1 and d.state <> 'DELETED'`,
  jobs: `select count(*)::float8 as used from documents.jobs
         where owner_id = $1 and status in ('PENDING', 'WAITING_FOR_REMOTE_WORKER', 'PROCESSING')`,
};

/**
 * Refuses what would be more than the owner may have: QUOTA_EXCEEDED. After all other locks of the transaction, before what
 * is added is created.
 */
export async function holdQuotas(
  em: Em,
  limits: QuotaLimits,
  ownerId: string,
  adding: Readonly<Partial<Record<QuotaName, number>>>,
): Promise<void> {
  const wanted = QUOTA_NAMES.filter((name) => adding[name] !== undefined && limits[name] > 0);
  if (wanted.length === 0) return;
  // What this transaction has ended so far must not count.
  await em.flush();
  for (const name of wanted) {
    const used = async (): Promise<number> =>
      (await query<{ used: number }>(em, COUNTS[name], [ownerId]))[0]?.used ?? 0;
    await holdQuota(em, { name, limit: limits[name], ownerId, adding: adding[name] ?? 0, used });
  }
}

/** What an owner has. */
export async function usedOf(db: Database, name: QuotaName, ownerId: string): Promise<number> {
  const [row] = await db.read<{ used: number }>(COUNTS[name], [ownerId]);
  return row?.used ?? 0;
}
