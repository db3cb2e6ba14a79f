import { isConnectorError, type VectorConnector } from '@morag/connectors-core';
import type { Logger } from '@morag/telemetry';
import { applyBatch } from './apply-batch.ts';
import { backoffMs } from './backoff.ts';
import { createBell } from './bell.ts';
import { fold, sequenceOf, takeWindow, type WindowLimits } from './fold.ts';
import type { Lease, LeaseStore, PlacedRefusal } from './lease.store.ts';
import { createLeaseKeeper, type LeaseKeeper, LeaseLost } from './lease-keeper.ts';
import type { MutationStore } from './mutation.store.ts';
import type { LogEntry } from './mutation.ts';
import { createProgressWriter, type ProgressWriter } from './progress-writer.ts';
import type { SequenceBoard } from './sequence-board.ts';
import { createTail } from './tail.ts';

/** The placement whose log is applied. */
export interface ApplierPlacement {
  readonly id: string;
  readonly databaseId: string;
}

/** What an applier works with; time and chance are parts, so that a simulation can drive it. */
export interface ApplierDeps {
  readonly instanceId: string;
  readonly log: Pick<MutationStore, 'readAfter'>;
  readonly leases: LeaseStore;
  readonly board: SequenceBoard;
  /** Lends the connector of the placement's server for the time of `use`. */
  readonly withTarget: <T>(
    placement: ApplierPlacement,
    use: (connector: VectorConnector, collection: string) => Promise<T>,
  ) => Promise<T>;
  /** Told of refused records before their mutation counts as applied. */
  readonly onRefused: (placementId: string, refusals: readonly PlacedRefusal[]) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  readonly logger: Logger;
  readonly settings: ApplierSettings;
}

/** Bounds of an applier. */
export interface ApplierSettings {
  readonly leaseTtlMs: number;
  /** Without work for so long, it gives its lease back. */
  readonly idleMs: number;
  /** While it has no work, the log is looked at so often, in case a wake-up was lost. */
  readonly pollMs: number;
  readonly window: WindowLimits;
  readonly tailBytesMax: number;
}

/** Why an applier ended. `held`: another instance applies this log. */
export type ApplierEnd = 'held' | 'idle' | 'lost' | 'stopped';

/** Applies one log to one placement, in order, while it holds the lease. */
export interface Applier {
  /** What was just committed, in the order of the log. */
  offer(entries: readonly LogEntry[]): void;
  /** The log may have grown. */
  wake(): void;
  stop(): void;
  readonly ended: Promise<ApplierEnd>;
}

const READ_LIMITS = { entriesMax: 512, bytesMax: 16 * 1024 * 1024 };

/** Starts an applier: it takes the lease, follows the log from where the placement stands, and ends by itself when idle. */
export function startApplier(deps: ApplierDeps, placement: ApplierPlacement): Applier {
  const { board, leases, now, settings, logger } = deps;
  const bell = createBell();
  const tail = createTail(settings.tailBytesMax);
  const stopping = new AbortController();

  const run = async (): Promise<ApplierEnd> => {
    const acquiredAtMs = now();
    const lease = await leases.acquire(placement.id, deps.instanceId, settings.leaseTtlMs);
    if (!lease) return 'held';
    const keeper = createLeaseKeeper({ leases, now, ttlMs: settings.leaseTtlMs }, lease, acquiredAtMs);
    const progress = createProgressWriter({
      signal: keeper.lost,
      store: async (sequence) => {
        const askedAtMs = now();
        const isOurs = await leases.advance(lease, sequence, settings.leaseTtlMs);
        keeper.renewed(askedAtMs, isOurs);
        return isOurs;
      },
    });
    try {
      return await follow(lease, keeper, progress);
    } finally {
      keeper.stop();
      await leases.release(lease).catch((error: unknown) => logger.debug({ err: error }, 'a lease was not given back'));
    }
  };

  const follow = async (lease: Lease, keeper: LeaseKeeper, progress: ProgressWriter): Promise<ApplierEnd> => {
    const either = AbortSignal.any([stopping.signal, keeper.lost]);
    const work = { lease, keeper, signal: either, applied: lease.appliedSequence, hasQuarantine: lease.hasQuarantine };
    board.sawApplied(placement.id, work.applied);
    let failures = 0;
    let idleSinceMs = now();
    while (!either.aborted) {
      try {
        const isAtWork = await step(work);
        failures = 0;
        if (isAtWork) {
          idleSinceMs = now();
          progress.report(work.applied);
          board.sawApplied(placement.id, work.applied);
          continue;
        }
      } catch (error) {
        if (error instanceof LeaseLost || either.aborted) break;
        await noteFailure(work, ++failures, error);
        await pause(backoffMs(failures, deps.random, retryAfterOf(error)), either);
        continue;
      }
      if (now() - idleSinceMs >= settings.idleMs) break;
      await bell.wait(settings.pollMs, either);
    }
    await progress.flush();
    if (stopping.signal.aborted) return 'stopped';
    return keeper.lost.aborted ? 'lost' : 'idle';
  };

  /** Applies what comes next; false when there is nothing. */
  const step = async (work: Work): Promise<boolean> => {
    const atHand = tail.after(work.applied);
    const next = atHand.length > 0 ? atHand : await deps.log.readAfter(placement.databaseId, work.applied, READ_LIMITS);
    if (next.length === 0) return false;
    const entries = takeWindow(next, settings.window);
    const batch = fold(entries);
    const refusals = await deps.withTarget(placement, (connector, collection) =>
      applyBatch(
        { connector, collection, callOptions: () => ({ ...work.keeper.callOptions(), signal: work.signal }) },
        batch,
      ),
    );
    if (refusals.length > 0 || work.hasQuarantine) {
      const placed = refusals.map((refusal) => ({ ...refusal, sequence: sequenceOf(entries, refusal.record.id) }));
      const refused = new Set(placed.map(({ record }) => record.id));
      const taken = [...batch.upserts.map(({ id }) => id), ...batch.deletes].filter((id) => !refused.has(id));
      if (!(await leases.quarantine(work.lease, placed, taken)))
        throw new LeaseLost('Another instance has taken over.');
      if (placed.length > 0) {
        work.hasQuarantine = true;
        deps.onRefused(placement.id, placed);
      }
    }
    work.applied = batch.through;
    return true;
  };

  const noteFailure = async (work: Work, failures: number, error: unknown): Promise<void> => {
    logger.warn({ err: error, placementId: placement.id, failures }, 'the log cannot be applied now');
    await leases.fail(work.lease, publicText(error)).catch(() => {});
  };

  return {
    offer(entries) {
      tail.offer(entries);
      bell.ring();
    },
    wake: () => bell.ring(),
    stop: () => stopping.abort(),
    ended: run(),
  };
}

interface Work {
  readonly lease: Lease;
  readonly keeper: LeaseKeeper;
  /** Aborts when the lease is lost and when the applier stops. */
  readonly signal: AbortSignal;
  applied: number;
  hasQuarantine: boolean;
}

function retryAfterOf(error: unknown): number | undefined {
  return isConnectorError(error) ? error.retryAfterMs : undefined;
}

/** What the owner of the database may read about a failure. */
function publicText(error: unknown): string {
  return isConnectorError(error) ? error.message : 'The log cannot be applied now; the cause is in the service log.';
}

/** A pause that wake-ups do not cut short: while a server is away, each write would knock at it otherwise. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await createBell().wait(ms, signal);
}
