import { type Database, type Em, query } from '@morag/orm';
import type { AuditRecord } from '@morag/rpc';
import { type AuditChainer, CHAIN_START, type ChainedEvent } from './audit-chain.ts';

/** Whose chain holds what is nobody's: a failed log-in of an account that does not exist. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

interface Chain {
  sequence: bigint;
  mac: Buffer;
}

/**
 * Adds records to the chains of their owners, those that are there already left as they are. Chains are taken in the order
 * of their owners, so that two batches at once wait for each other and never crosswise.
 */
export async function appendEvents(
  { db, chainer }: { readonly db: Database; readonly chainer: AuditChainer },
  records: readonly AuditRecord[],
  signal?: AbortSignal,
): Promise<void> {
  const byOwner = Map.groupBy(records, ({ ownerId }) => ownerId || NOBODY);
  const owners = [...byOwner.keys()].sort();
  await db.transaction(
    async (em) => {
      for (const owner of owners) await appendToChain(em, chainer, owner, byOwner.get(owner) ?? []);
    },
    { signal },
  );
}

async function appendToChain(
  em: Em,
  chainer: AuditChainer,
  ownerId: string,
  records: readonly AuditRecord[],
): Promise<void> {
  const chain = await lockChain(em, chainer, ownerId);
  const known = await query<{ id: string }>(em, 'select id from identity.audit_events where id = any($1::uuid[])', [
    records.map(({ id }) => id),
  ]);
  const seen = new Set(known.map(({ id }) => id));
  const rows: (ChainedEvent & { readonly mac: string })[] = [];
  for (const record of records) {
    if (seen.has(record.id)) continue;
    seen.add(record.id);
    const event = toChained(record, ownerId, chain.sequence + 1n);
    chain.mac = chainer.link(chain.mac, event);
    chain.sequence = event.sequence;
    rows.push({ ...event, mac: chain.mac.toString('hex') });
  }
  if (rows.length === 0) return;
  await query(em, INSERT, [JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value))]);
  await query(em, 'update identity.audit_chains set sequence = $2, mac = $3 where owner_id = $1', [
    ownerId,
    chain.sequence,
    chain.mac,
  ]);
}

async function lockChain(em: Em, chainer: AuditChainer, ownerId: string): Promise<Chain> {
  await query(
    em,
    `insert into identity.audit_chains (owner_id, sequence, mac, base_sequence, base_mac, base_signature)
     values ($1, 0, $2, 0, $2, $3) on conflict do nothing`,
    [ownerId, CHAIN_START, chainer.sign(ownerId, 0n, CHAIN_START)],
  );
  const [chain] = await query<Chain>(
    em,
    'select sequence, mac from identity.audit_chains where owner_id = $1 for update',
    [ownerId],
  );
  if (!chain) throw new Error('a chain is gone that was there');
  return { sequence: BigInt(chain.sequence), mac: chain.mac };
}

function toChained(record: AuditRecord, ownerId: string, sequence: bigint): ChainedEvent {
  const json = (value: AuditRecord['before']): string => (value ? JSON.stringify(value) : '');
  const { id, userId, apiKeyId, sessionId, service, action, outcome, requestId, address } = record;
  return {
    ownerId,
    sequence,
    id,
    createdAt: new Date(record.at),
    userId,
    apiKeyId,
    sessionId,
    service,
    action,
    target: record.target.slice(0, 500),
    outcome,
    requestId,
    address,
    before: json(record.before),
    after: json(record.after),
  };
}

const INSERT = `
  insert into identity.audit_events (id, owner_id, sequence, mac, created_at, user_id, api_key_id, session_id, service,
    action, target, outcome, request_id, address, before, after)
  select id, "ownerId", sequence, decode(mac, 'hex'), "createdAt", "userId", "apiKeyId", "sessionId", service, action,
         target, outcome, "requestId", address, before, after
    from jsonb_to_recordset($1::jsonb) as given(id uuid, "ownerId" uuid, sequence bigint, mac text,
      "createdAt" timestamptz, "userId" text, "apiKeyId" text, "sessionId" text, service text, action text, target text,
      outcome text, "requestId" text, address text, before text, after text)`;
