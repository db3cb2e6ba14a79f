import { DomainError } from '@morag/errors';
import { type Em, query } from './database.ts';

/** What is about to be made, and how much of it there may be. */
export interface QuotaHold {
  /** `servers`: as the owner is told. */
  readonly name: string;
  /** 0: no limit. */
  readonly limit: number;
  readonly ownerId: string;
  readonly adding: number;
  /** What the owner has, in this transaction. */
  readonly used: () => Promise<number>;
}

/**
 * Refuses what would be more than an owner may have: QUOTA_EXCEEDED. To be called in the transaction that makes it, which
 * keeps all others that make such a thing for this owner waiting until it ends, so that the last unit is given once.
 * The last lock that a transaction takes: whoever waits for it holds nothing that its holder still needs.
 */
export async function holdQuota(em: Em, { name, limit, ownerId, adding, used }: QuotaHold): Promise<void> {
  if (limit === 0) return;
  await query(em, 'select pg_advisory_xact_lock(hashtextextended($1, 1))', [`quota ${name} ${ownerId}`]);
  requireQuota({ name, limit, adding, used: await used() });
}

/** The refusal itself, where it needs no lock. */
export function requireQuota({
  name,
  limit,
  adding,
  used,
}: Pick<QuotaHold, 'name' | 'limit' | 'adding'> & { readonly used: number }): void {
  if (limit === 0 || used + adding <= limit) return;
  throw new DomainError('QUOTA_EXCEEDED', `More than your quota of ${name} allows: ${used} of ${limit} are used.`, {
    metadata: { quota: name, limit: String(limit), used: String(used) },
  });
}
