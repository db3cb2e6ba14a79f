import { type CallOptions, isConnectorError, type VectorConnector } from '@morag/connectors-core';
import type { Logger } from '@morag/telemetry';
import { applyBatch, CALLS_AT_ONCE, type Refusal } from './apply-batch.ts';
import { backoffMs } from './backoff.ts';
import { createBell } from './bell.ts';
import { type FoldedBatch, fold, sequenceOf, takeWindow, type WindowLimits } from './fold.ts';
import type { Lease, LeaseStore, PlacedRefusal } from './lease.store.ts';
import { createLeaseKeeper, type LeaseKeeper, LeaseLost } from './lease-keeper.ts';
import type { MutationStore } from './mutation.store.ts';
import type { LogEntry } from './mutation.ts';
import { createPace, type Pace } from './pace.ts';
import { createProgressWriter, type ProgressWriter } from './progress-writer.ts';
import type { SequenceBoard } from './sequence-board.ts';
import { createTail, type Tail } from './tail.ts';

/** The placement whose log is applied. */
export interface ApplierPlacement {
  readonly id: string;
  readonly databaseId: string;
}

/** What an applier works with; time and chance are parts, so that a simulation can drive it. */
export interface ApplierDeps {
  readonly log: Pick<MutationStore, 'readAfter' | 'isTrimmedPast'>;
  readonly leases: LeaseStore;
  readonly board: SequenceBoard;
  /** Lends the connector of the placement's server for the time of `use`. */
  readonly withTarget: <T>(
    placement: ApplierPlacement,
    use: (connector: VectorConnector, collection: string) => Promise<T>,
  ) => Promise<T>;
  /** Told of refused records before their mutation counts as applied. */
  readonly onRefused: (placementId: string, refusals: readonly PlacedRefusal[]) => void;
  /** Told of each batch that the server has taken: so many records, everything up to that mutation. */
  readonly onApplied: (placement: ApplierPlacement, records: number, through: number) => void;
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

/** Failures in a row. Long enough, with the pauses between them, for a server to get over most of what befalls it. */
const ISOLATED_AFTER = 6;
const READ_LIMITS = { entriesMax: 512, bytesMax: 16 * 1024 * 1024 };

/** Starts an applier: it takes the lease, follows the log from where the placement stands, and ends by itself when idle. */
export function startApplier(deps: ApplierDeps, placement: ApplierPlacement): Applier {
  return new LogApplier(deps, placement);
}

/** What is known while the lease is held. */
interface Work {
  readonly lease: Lease;
  readonly keeper: LeaseKeeper;
  /** Aborts when the lease is lost and when the applier stops. */
  readonly signal: AbortSignal;
  readonly pace: Pace;
  applied: number;
  hasQuarantine: boolean;
  /** The server has failed at what comes next so often that the fault is looked for in single records. */
  isolates: boolean;
}

class LogApplier implements Applier {
  readonly ended: Promise<ApplierEnd>;
  readonly #deps: ApplierDeps;
  readonly #placement: ApplierPlacement;
  readonly #bell = createBell();
  readonly #tail: Tail;
  readonly #stopping = new AbortController();

  constructor(deps: ApplierDeps, placement: ApplierPlacement) {
    this.#deps = deps;
    this.#placement = placement;
    this.#tail = createTail(deps.settings.tailBytesMax);
    this.ended = this.#run();
  }

  offer(entries: readonly LogEntry[]): void {
    this.#tail.offer(entries);
    this.#bell.ring();
  }

  wake(): void {
    this.#bell.ring();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<ApplierEnd> {
    const { leases, now, logger, settings } = this.#deps;
    const { leaseTtlMs: ttlMs } = settings;
    const acquiredAtMs = now();
    const lease = await leases.acquire(this.#placement.id, ttlMs);
    if (!lease) return 'held';
    const keeper = createLeaseKeeper({ leases, now, ttlMs }, lease, acquiredAtMs);
    const progress = createProgressWriter({
      signal: keeper.lost,
      store: async (sequence) => {
        const askedAtMs = now();
        const isOurs = await leases.advance(lease, sequence, ttlMs);
        keeper.renewed(askedAtMs, isOurs);
        return isOurs;
      },
    });
    try {
      return await this.#follow(lease, keeper, progress);
    } finally {
      keeper.stop();
      await leases.release(lease).catch((error: unknown) => logger.debug({ err: error }, 'a lease was not given back'));
    }
  }

  async #follow(lease: Lease, keeper: LeaseKeeper, progress: ProgressWriter): Promise<ApplierEnd> {
    const { board, now, random, settings } = this.#deps;
    const signal = AbortSignal.any([this.#stopping.signal, keeper.lost]);
    const { appliedSequence: applied, hasQuarantine } = lease;
    const pace = createPace(now);
    const work: Work = { lease, keeper, signal, pace, applied, hasQuarantine, isolates: false };
    board.sawApplied(this.#placement.id, { epoch: lease.epoch, appliedSequence: work.applied });
    let failures = 0;
    for (let busyAtMs = now(); !signal.aborted; ) {
      try {
        if (await this.#step(work)) {
          failures = 0;
          work.isolates = false;
          busyAtMs = now();
          progress.report(work.applied);
          board.sawApplied(this.#placement.id, { epoch: lease.epoch, appliedSequence: work.applied });
          continue;
        }
      } catch (error) {
        if (error instanceof LeaseLost || signal.aborted) break;
        await this.#noteFailure(work, ++failures, error);
        work.isolates = failures >= ISOLATED_AFTER && isConnectorError(error) && error.category === 'internal';
        // A pause that no wake-up cuts short: while a server is away, each write would knock at it otherwise.
        await createBell().wait(backoffMs(failures, random, retryAfterOf(error)), signal);
        busyAtMs = now();
        continue;
      }
      if (now() - busyAtMs >= settings.idleMs) break;
      await this.#bell.wait(settings.pollMs, signal);
    }
    await progress.flush();
    if (this.#stopping.signal.aborted) return 'stopped';
    return keeper.lost.aborted ? 'lost' : 'idle';
  }

  /** Applies what comes next; false when there is nothing. */
  async #step(work: Work): Promise<boolean> {
    const { log, withTarget, settings } = this.#deps;
    const atHand = this.#tail.after(work.applied);
    const next =
      atHand.length > 0 ? atHand : await log.readAfter(this.#placement.databaseId, work.applied, READ_LIMITS);
    if (next[0]?.sequence !== work.applied + 1) {
      await this.#refuseGap(work);
      return false;
    }
    const { pace } = work;
    const recordsMax = Math.min(settings.window.recordsMax, pace.recordsMax() * CALLS_AT_ONCE);
    const entries = takeWindow(next, { ...settings.window, recordsMax });
    const batch = fold(entries);
    const isRepair = work.applied < work.lease.repairSequence;
    const callOptions = (): CallOptions => ({ ...work.keeper.callOptions(), signal: work.signal });
    const how = { callOptions, isRepair, isolates: work.isolates, recordsMax: pace.recordsMax() };
    const refusals = await pace.run(batch.upserts.length + batch.deletes.length, () =>
      withTarget(this.#placement, (connector, collection) => applyBatch({ connector, collection, ...how }, batch)),
    );
    if (refusals.length > 0 || work.hasQuarantine) await this.#quarantine(work, entries, batch, refusals);
    work.applied = batch.through;
    this.#deps.onApplied(this.#placement, batch.upserts.length + batch.deletes.length, batch.through);
    return true;
  }

  /** Nothing to apply is the end of the log, unless what comes next was trimmed: then only a new copy helps. */
  async #refuseGap(work: Work): Promise<void> {
    const { log, board, leases, logger } = this.#deps;
    const { id, databaseId } = this.#placement;
    if (board.head(databaseId) <= work.applied || !(await log.isTrimmedPast(databaseId, work.applied))) return;
    if (!(await leases.rebuild(work.lease)))
      throw new Error('The log no longer holds what the placement has yet to apply.');
    logger.warn({ placementId: id, applied: work.applied }, 'the log was trimmed past a placement: it is filled anew');
    throw new LeaseLost('The placement is filled anew.');
  }

  async #quarantine(
    work: Work,
    entries: readonly LogEntry[],
    batch: FoldedBatch,
    refusals: readonly Refusal[],
  ): Promise<void> {
    const placed = refusals.map((refusal) => ({ ...refusal, sequence: sequenceOf(entries, refusal.record.id) }));
    const refused = new Set(placed.map(({ record }) => record.id));
    const taken = [...batch.upserts.map(({ id }) => id), ...batch.deletes].filter((id) => !refused.has(id));
    const isOurs = await this.#deps.leases.quarantine(work.lease, placed, taken);
    if (!isOurs) throw new LeaseLost('Another instance has taken over.');
    if (placed.length === 0) return;
    work.hasQuarantine = true;
    this.#deps.onRefused(this.#placement.id, placed);
  }

  async #noteFailure(work: Work, failures: number, error: unknown): Promise<void> {
    const placementId = this.#placement.id;
    this.#deps.logger.warn({ err: error, placementId, failures }, 'the log cannot be applied now');
    const isOurs = await this.#deps.leases.fail(work.lease, publicText(error)).catch(() => true);
    if (!isOurs) work.keeper.renewed(this.#deps.now(), false);
  }
}

function retryAfterOf(error: unknown): number | undefined {
  return isConnectorError(error) ? error.retryAfterMs : undefined;
}

/** What the owner of the database may read about a failure. */
function publicText(error: unknown): string {
  return isConnectorError(error) ? error.message : 'The log cannot be applied now; the cause is in the service log.';
}
