import { createBell } from './bell.ts';

/** How far a placement was under an epoch of its lease. */
export interface Applied {
  readonly epoch: number;
  readonly appliedSequence: number;
}

/**
 * What this process knows of the logs: the head of each database and how far each placement has applied it. Whatever order
 * news arrives in, a head only grows, and so does a placement's progress within an epoch. A new epoch may begin further
 * back: then its server may have lost what it had confirmed, and nothing that was known under the old one holds any more.
 * It is a view, and PostgreSQL the truth.
 */
export interface SequenceBoard {
  /** The newest mutation known of a database's log; 0 when none is known. */
  head(databaseId: string): number;
  sawHead(databaseId: string, sequence: number): void;
  /** The newest mutation that a placement is known to have applied; 0 when none is known. */
  applied(placementId: string): number;
  sawApplied(placementId: string, at: Applied): void;
  /** Resolves when the placement has applied `sequence`; rejects with the signal's reason. */
  waitApplied(placementId: string, sequence: number, signal: AbortSignal): Promise<void>;
  /** Placements that somebody waits for. */
  awaited(): readonly string[];
  /** Sleeps until somebody waits for a placement, or until the signal. */
  untilAwaited(signal: AbortSignal): Promise<void>;
  /** Forgets a database and its placements; who waits for them goes on waiting until their signal. */
  forget(databaseId: string, placementIds: readonly string[]): void;
}

const LONG_MS = 60_000;

interface Waiter {
  readonly sequence: number;
  readonly resolve: () => void;
}

/** Creates an empty board. */
export function createSequenceBoard(): SequenceBoard {
  const heads = new Map<string, number>();
  const progress = new Map<string, Applied>();
  const waiters = new Map<string, Set<Waiter>>();
  const bell = createBell();

  const applied = (placementId: string): number => progress.get(placementId)?.appliedSequence ?? 0;
  const leave = (placementId: string, waiter: Waiter): void => {
    const waiting = waiters.get(placementId);
    waiting?.delete(waiter);
    if (waiting?.size === 0) waiters.delete(placementId);
  };

  return {
    head: (databaseId) => heads.get(databaseId) ?? 0,
    sawHead(databaseId, sequence) {
      if (sequence > (heads.get(databaseId) ?? 0)) heads.set(databaseId, sequence);
    },
    applied,
    sawApplied(placementId, { epoch, appliedSequence }) {
      const known = progress.get(placementId);
      if (known && (epoch < known.epoch || (epoch === known.epoch && appliedSequence <= known.appliedSequence))) return;
      progress.set(placementId, { epoch, appliedSequence });
      for (const waiter of waiters.get(placementId) ?? []) {
        if (waiter.sequence > appliedSequence) continue;
        leave(placementId, waiter);
        waiter.resolve();
      }
    },
    waitApplied(placementId, sequence, signal) {
      if (applied(placementId) >= sequence) return Promise.resolve();
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      return new Promise((resolve, reject) => {
        const waiter = {
          sequence,
          resolve: () => {
            signal.removeEventListener('abort', giveUp);
            resolve();
          },
        };
        const giveUp = (): void => {
          leave(placementId, waiter);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', giveUp, { once: true });
        const waiting = waiters.get(placementId) ?? new Set();
        waiters.set(placementId, waiting.add(waiter));
        bell.ring();
      });
    },
    awaited: () => [...waiters.keys()],
    async untilAwaited(signal) {
      while (waiters.size === 0 && !signal.aborted) await bell.wait(LONG_MS, signal);
    },
    forget(databaseId, placementIds) {
      heads.delete(databaseId);
      for (const placementId of placementIds) progress.delete(placementId);
    },
  };
}
