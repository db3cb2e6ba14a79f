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
  const { board, now, wakeHolder, logger } = deps;
  const running = new Map<string, Applier>();
  const heldUntilMs = new Map<string, number>();
  let isStopping = false;

  const start = (placement: ApplierPlacement): Applier => {
    const applier = startApplier(deps, placement);
    running.set(placement.id, applier);
    applier.ended.then(
      (end) => onEnd(placement, end),
      (error: unknown) => {
        logger.warn({ err: error, placementId: placement.id }, 'an applier could not start');
        onEnd(placement, 'lost');
      },
    );
    return applier;
  };

  const onEnd = (placement: ApplierPlacement, end: ApplierEnd): void => {
    running.delete(placement.id);
    if (end === 'held') {
      forgetOld();
      heldUntilMs.set(placement.id, now() + HELD_MS);
      wakeHolder(placement.id);
    }
    // What was handed over in the moment in which it fell asleep must not wait for the next sweep.
    if (end === 'idle' && board.head(placement.databaseId) > board.applied(placement.id)) ensure(placement);
  };

  const forgetOld = (): void => {
    for (const [placementId, untilMs] of heldUntilMs) if (untilMs <= now()) heldUntilMs.delete(placementId);
  };

  const ensure = (placement: ApplierPlacement): Applier | undefined => {
    if (isStopping) return undefined;
    const applier = running.get(placement.id);
    if (applier) {
      applier.wake();
      return applier;
    }
    if ((heldUntilMs.get(placement.id) ?? 0) > now()) {
      wakeHolder(placement.id);
      return undefined;
    }
    return start(placement);
  };

  return {
    submit(placement, entries) {
      ensure(placement)?.offer(entries);
    },
    ensure: (placement) => void ensure(placement),
    wake: (placementId) => running.get(placementId)?.wake(),
    serves: (placementId) => running.has(placementId),
    async stopOne(placementId) {
      const applier = running.get(placementId);
      applier?.stop();
      await applier?.ended.catch(() => {});
    },
    async stop() {
      isStopping = true;
      const all = [...running.values()];
      for (const applier of all) applier.stop();
      await Promise.allSettled(all.map(({ ended }) => ended));
    },
  };
}
