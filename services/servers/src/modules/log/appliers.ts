import { type Applier, type ApplierDeps, type ApplierEnd, type ApplierPlacement, startApplier } from './applier.ts';
import type { LogEntry } from './mutation.ts';

/** All appliers of this instance. */
export interface Appliers {
  /** Hands over what was just committed. Where another instance applies this log, that one is woken. */
  submit(placement: ApplierPlacement, entries: readonly LogEntry[]): void;
  /** The log may have grown: starts an applier unless one runs here. */
  ensure(placement: ApplierPlacement): void;
  /** Wakes the applier that runs here, if one does. */
  wake(placementId: string): void;
  /** Whether this instance applies the log of a placement, or is about to. */
  serves(placementId: string): boolean;
  stopOne(placementId: string): Promise<void>;
  stop(): Promise<void>;
}

/** See createAppliers. */
export interface AppliersDeps extends ApplierDeps {
  /** Wakes the instance that holds the lease. */
  readonly wakeHolder: (placementId: string) => void;
}

/** A lease that was just seen with another instance is not asked for again so soon. */
const HELD_MS = 500;

/** Starts appliers when there is work for them, one a placement. */
export function createAppliers(deps: AppliersDeps): Appliers {
  return new ApplierSet(deps);
}

class ApplierSet implements Appliers {
  readonly #deps: AppliersDeps;
  readonly #running = new Map<string, Applier>();
  readonly #heldUntilMs = new Map<string, number>();
  #isStopping = false;

  constructor(deps: AppliersDeps) {
    this.#deps = deps;
  }

  submit(placement: ApplierPlacement, entries: readonly LogEntry[]): void {
    this.#awake(placement)?.offer(entries);
  }

  ensure(placement: ApplierPlacement): void {
    this.#awake(placement)?.wake();
  }

  wake(placementId: string): void {
    this.#running.get(placementId)?.wake();
  }

  serves(placementId: string): boolean {
    return this.#running.has(placementId);
  }

  async stopOne(placementId: string): Promise<void> {
    const applier = this.#running.get(placementId);
    applier?.stop();
    await applier?.ended.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const all = [...this.#running.values()];
    for (const applier of all) applier.stop();
    await Promise.allSettled(all.map(({ ended }) => ended));
  }

  /** The applier of a placement; undefined where another instance has it, which is then woken. */
  #awake(placement: ApplierPlacement): Applier | undefined {
    if (this.#isStopping) return undefined;
    const applier = this.#running.get(placement.id);
    if (applier) return applier;
    if ((this.#heldUntilMs.get(placement.id) ?? 0) <= this.#deps.now()) return this.#start(placement);
    this.#deps.wakeHolder(placement.id);
    return undefined;
  }

  #start(placement: ApplierPlacement): Applier {
    const applier = startApplier(this.#deps, placement);
    this.#running.set(placement.id, applier);
    applier.ended.then(
      (end) => this.#onEnd(placement, end),
      (error: unknown) => {
        this.#deps.logger.warn({ err: error, placementId: placement.id }, 'an applier could not start');
        this.#onEnd(placement, 'lost');
      },
    );
    return applier;
  }

  #onEnd(placement: ApplierPlacement, end: ApplierEnd): void {
    const { board, now, wakeHolder } = this.#deps;
    this.#running.delete(placement.id);
    if (end === 'held') {
      for (const [id, untilMs] of this.#heldUntilMs) if (untilMs <= now()) this.#heldUntilMs.delete(id);
      this.#heldUntilMs.set(placement.id, now() + HELD_MS);
      wakeHolder(placement.id);
    }
    // What was handed over in the moment in which it fell asleep must not wait for the next sweep.
    if (end === 'idle' && board.head(placement.databaseId) > board.applied(placement.id)) this.ensure(placement);
  }
}
