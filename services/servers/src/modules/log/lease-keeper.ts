import type { CallOptions } from '@morag/connectors-core';
import type { Lease, LeaseStore } from './lease.store.ts';

/** How long a lease lives without a sign of its holder; a dead holder's work stands still so long. */
export const LEASE_TTL_MS = 20_000;
/** A request to a server ends so long before the lease can be taken by somebody else. */
const SAFETY_MS = 3_000;
const CALL_MS_MAX = 10_000;
const RENEWALS_PER_TTL = 4;

/** The lease is no longer ours, or nearly so: nothing more may be sent to the server. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** Keeps a lease alive and knows, without asking, for how long it is safely ours. */
export interface LeaseKeeper {
  /** Deadline and signal of a request that is safe to send now; throws LeaseLost when none is. */
  callOptions(): CallOptions;
  /** Aborts when the lease is lost. */
  readonly lost: AbortSignal;
  /** The store answered that it has extended the lease, or that it is another's. */
  renewed(askedAtMs: number, isOurs: boolean): void;
  stop(): void;
}

/** See createLeaseKeeper. */
export interface LeaseKeeperDeps {
  readonly leases: Pick<LeaseStore, 'renew'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly ttlMs: number;
}

/** Starts to keep a lease that was asked for at `acquiredAtMs`. */
export function createLeaseKeeper(
  { leases, now, ttlMs }: LeaseKeeperDeps,
  lease: Lease,
  acquiredAtMs: number,
): LeaseKeeper {
  const lost = new AbortController();
  // Counted from before the question: PostgreSQL's clock cannot have started later.
  let safeUntilMs = acquiredAtMs + ttlMs;

  const renewed = (askedAtMs: number, isOurs: boolean): void => {
    if (isOurs) safeUntilMs = Math.max(safeUntilMs, askedAtMs + ttlMs);
    else lost.abort(new LeaseLost('Another instance has taken over.'));
  };
  const renew = async (): Promise<void> => {
    const askedAtMs = now();
    try {
      renewed(askedAtMs, await leases.renew(lease, ttlMs));
    } catch {
      // PostgreSQL is away: the time that is left runs down, and the next renewal may come in time.
    }
  };
  const timer = setInterval(() => void renew(), ttlMs / RENEWALS_PER_TTL);
  timer.unref();

  return {
    callOptions() {
      lost.signal.throwIfAborted();
      const leftMs = safeUntilMs - now() - SAFETY_MS;
      if (leftMs <= 0) throw new LeaseLost('The lease could not be renewed in time.');
      return { signal: lost.signal, timeoutMs: Math.min(CALL_MS_MAX, leftMs) };
    },
    lost: lost.signal,
    renewed,
    stop() {
      clearInterval(timer);
      lost.abort(new LeaseLost('The lease was given back.'));
    },
  };
}
