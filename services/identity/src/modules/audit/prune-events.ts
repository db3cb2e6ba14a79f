import { type Database, query } from '@morag/orm';
import type { AuditChainer } from './audit-chain.ts';

const DAY_MS = 86_400_000;

/**
 * Removes what is older than the retention, each chain from its old end, and leaves a signed checkpoint there: what is
 * left can be checked, and that something older was there is known.
 */
export async function pruneEvents(
  { db, chainer }: { readonly db: Database; readonly chainer: AuditChainer },
  { retentionDays, nowMs }: { readonly retentionDays: number; readonly nowMs: number },
): Promise<void> {
  if (retentionDays === 0) return;
  const before = new Date(nowMs - retentionDays * DAY_MS);
  const owners = await db.read<{ ownerId: string }>(
    `select distinct owner_id as "ownerId" from identity.audit_events where created_at < $1 order by 1`,
    [before],
  );
  for (const { ownerId } of owners) {
    await db.transaction(async (em) => {
      await query(em, 'select from identity.audit_chains where owner_id = $1 for update', [ownerId]);
      // The first that stays; everything before it goes, also what is younger but stands earlier.
      const [last] = await query<{ sequence: bigint; mac: Buffer }>(
        em,
        `select sequence, mac from identity.audit_events
          where owner_id = $1 and sequence < coalesce(
            (select min(sequence) from identity.audit_events where owner_id = $1 and created_at >= $2), 9223372036854775807)
          order by sequence desc limit 1`,
        [ownerId, before],
      );
      if (!last) return;
      const sequence = BigInt(last.sequence);
      await query(
        em,
        'update identity.audit_chains set base_sequence = $2, base_mac = $3, base_signature = $4 where owner_id = $1',
        [ownerId, sequence, last.mac, chainer.sign(ownerId, sequence, last.mac)],
      );
      await query(em, 'delete from identity.audit_events where owner_id = $1 and sequence <= $2', [ownerId, sequence]);
    });
  }
}
