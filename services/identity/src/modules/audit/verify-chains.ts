import type { Database } from '@morag/orm';
import { type AuditChainer, type ChainedEvent } from './audit-chain.ts';

/** Where a chain is broken. */
export interface ChainFault {
  readonly ownerId: string;
  readonly sequence: bigint;
  readonly description: string;
}

/** What a check found. */
export interface ChainReport {
  readonly chains: number;
  readonly events: number;
  readonly faults: readonly ChainFault[];
}

interface Head {
  readonly ownerId: string;
  readonly sequence: bigint;
  readonly mac: Buffer;
  readonly baseSequence: bigint;
  readonly baseMac: Buffer;
  readonly baseSignature: Buffer;
}

const FAULTS_MAX = 100;
const PAGE = 1_000;

/** Follows every chain, or one owner's, from its checkpoint to its end, and tells where it is not as it was written. */
export async function verifyChains(
  { db, chainer }: { readonly db: Database; readonly chainer: AuditChainer },
  ownerId: string | undefined,
  signal: AbortSignal,
): Promise<ChainReport> {
  const heads = await db.read<Head>(
    `select owner_id as "ownerId", sequence, mac, base_sequence as "baseSequence", base_mac as "baseMac",
            base_signature as "baseSignature"
       from identity.audit_chains where $1::uuid is null or owner_id = $1 order by owner_id`,
    [ownerId ?? null],
  );
  const faults: ChainFault[] = [];
  let events = 0;
  for (const head of heads) {
    const { checked, fault } = await verifyChain(db, chainer, head, signal);
    events += checked;
    if (fault && faults.length < FAULTS_MAX) faults.push(fault);
  }
  return { chains: heads.length, events, faults };
}

async function verifyChain(
  db: Database,
  chainer: AuditChainer,
  head: Head,
  signal: AbortSignal,
): Promise<{ checked: number; fault?: ChainFault }> {
  const { ownerId, baseSequence, baseMac, baseSignature } = head;
  const broken = (sequence: bigint, description: string) => ({ checked, fault: { ownerId, sequence, description } });
  let checked = 0;
  let [sequence, mac] = [baseSequence, baseMac];
  if (!chainer.isSigned(ownerId, baseSequence, baseMac, baseSignature)) {
    return broken(baseSequence, 'the checkpoint is not signed by this installation');
  }
  for (;;) {
    signal.throwIfAborted();
    const rows = await db.read<ChainedEvent & { readonly mac: Buffer }>(EVENTS, [
      ownerId,
      sequence,
      head.sequence,
      PAGE,
    ]);
    for (const row of rows) {
      if (row.sequence !== sequence + 1n) return broken(sequence + 1n, 'the event is missing');
      mac = chainer.link(mac, row);
      if (!mac.equals(row.mac)) return broken(row.sequence, 'the event was changed');
      sequence = row.sequence;
      checked += 1;
    }
    if (rows.length < PAGE) break;
  }
  if (sequence !== head.sequence || !mac.equals(head.mac))
    return broken(sequence + 1n, 'the end of the chain is missing');
  return { checked };
}

const EVENTS = `
  select owner_id as "ownerId", sequence, mac, id, created_at as "createdAt", user_id as "userId",
         api_key_id as "apiKeyId", session_id as "sessionId", service, action, target, outcome,
         request_id as "requestId", address, before, after
    from identity.audit_events
   where owner_id = $1 and sequence > $2 and sequence <= $3 order by sequence limit $4`;
