import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@morag/errors';
import type { Logger } from '@morag/telemetry';
import type { Database } from './database.ts';

/** One call that carries a `request_id`. */
export interface IdempotentCall {
  readonly caller: string;
  readonly method: string;
  readonly requestId: string;
  /** Digest of the request message. */
  readonly fingerprint: string;
}

/** The port of @morag/rpc, met by shape. */
export interface IdempotencyStore {
  run(call: IdempotentCall, execute: () => Promise<Uint8Array>, signal: AbortSignal): Promise<Uint8Array>;
}

/** See createIdempotencyStore. */
export interface IdempotencyStoreOptions {
  readonly logger?: Logger;
  /** A run that has not finished or renewed its lease in this time counts as dead, and the call may run again. */
  readonly leaseMs?: number;
}

/** How long an answer is remembered. */
const RETENTION = '24 hours';
const SWEEP_EVERY_MS = 600_000;
const SWEEP_ROWS_MAX = 10_000;

/** How often a call that another one is running looks for the answer. */
const POLL_MS = 50;

type Claim = { readonly kind: 'mine' } | { readonly kind: 'wait' } | { readonly kind: 'answer'; response: Uint8Array };

/**
 * Remembers answers in the table `idempotency_keys`, so that a repetition gets the first answer from any instance. Of
 * several at once one runs and the others wait for it. An instance that dies between its work's commit and the answer's
 * leaves the key to the next repetition, which then runs again: the work's own unique constraints must tell.
 */
export function createIdempotencyStore(db: Database, options: IdempotencyStoreOptions = {}): IdempotencyStore {
  const { logger, leaseMs = 30_000 } = options;
  let sweepAt = 0;

  const sweep = async (): Promise<void> => {
    if (Date.now() < sweepAt) return;
    sweepAt = Date.now() + SWEEP_EVERY_MS;
    await db.write(
      `delete from idempotency_keys where (caller, method, request_id) in
       (select caller, method, request_id from idempotency_keys where created_at < now() - $1::interval limit $2)`,
      [RETENTION, SWEEP_ROWS_MAX],
    );
  };

  const lead = async (call: IdempotentCall, runId: string, execute: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const renewal = setInterval(() => void renew(db, call, runId, leaseMs).catch(() => {}), leaseMs / 3);
    try {
      const response = await execute();
      // The work is done and stands: an answer that cannot be remembered is still the answer.
      await remember(db, call, runId, response).catch((error: unknown) =>
        logger?.warn({ err: error, method: call.method }, 'the answer of an idempotent call was not stored'),
      );
      return response;
    } catch (error) {
      await release(db, call, runId).catch(() => {});
      throw error;
    } finally {
      clearInterval(renewal);
    }
  };

  return {
    async run(call, execute, signal) {
      await sweep();
      const runId = randomUUID();
      for (;;) {
        signal.throwIfAborted();
        const claim = await claimKey(db, call, runId, leaseMs);
        if (claim.kind === 'answer') return claim.response;
        if (claim.kind === 'mine') return lead(call, runId, execute);
        await sleep(POLL_MS, undefined, { signal });
      }
    },
  };
}

const KEY = 'caller = $1 and method = $2 and request_id = $3';

function keyOf({ caller, method, requestId }: IdempotentCall): string[] {
  return [caller, method, requestId];
}

/** Takes the key if it is free or its holder is dead; else answers what there is. */
async function claimKey(db: Database, call: IdempotentCall, runId: string, leaseMs: number): Promise<Claim> {
  const params = [...keyOf(call), call.fingerprint, runId, leaseMs];
  const [taken] = await db.write(
    `insert into idempotency_keys as k (caller, method, request_id, fingerprint, run_id, lease_until, created_at)
     values ($1, $2, $3, $4, $5, now() + $6 * interval '1 millisecond', now())
     on conflict (caller, method, request_id) do update set run_id = excluded.run_id, lease_until = excluded.lease_until
     where k.response is null and k.lease_until < now() and k.fingerprint = excluded.fingerprint
     returning 1`,
    params,
  );
  if (taken) return { kind: 'mine' };
  const [found] = await db.read<{ fingerprint: string; response: Buffer | null }>(
    `select fingerprint, response from idempotency_keys where ${KEY}`,
    keyOf(call),
  );
  if (!found) return { kind: 'wait' };
  if (found.fingerprint !== call.fingerprint) {
    throw new DomainError('REQUEST_ID_REUSED', 'This request_id was used for another request.', {
      metadata: { requestId: call.requestId },
    });
  }
  return found.response ? { kind: 'answer', response: found.response } : { kind: 'wait' };
}

async function renew(db: Database, call: IdempotentCall, runId: string, leaseMs: number): Promise<void> {
  await db.write(
    `update idempotency_keys set lease_until = now() + $5 * interval '1 millisecond' where ${KEY} and run_id = $4`,
    [...keyOf(call), runId, leaseMs],
  );
}

async function remember(db: Database, call: IdempotentCall, runId: string, response: Uint8Array): Promise<void> {
  await db.write(`update idempotency_keys set response = $5 where ${KEY} and run_id = $4`, [
    ...keyOf(call),
    runId,
    Buffer.from(response),
  ]);
}

async function release(db: Database, call: IdempotentCall, runId: string): Promise<void> {
  await db.write(`delete from idempotency_keys where ${KEY} and run_id = $4 and response is null`, [
    ...keyOf(call),
    runId,
  ]);
}
