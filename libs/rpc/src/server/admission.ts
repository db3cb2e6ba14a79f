import { DomainError } from '@morag/errors';

/** Counts the calls under way, refuses those beyond the bound, and knows when the last one is over. */
export interface Admission {
  /** Lets a call in or throws OVERLOADED, or UNAVAILABLE once closed. The returned function is called when it is over. */
  enter(kind: CallKind): () => void;
  /** From now on nobody is let in. */
  close(): void;
  /** Resolves when no call is under way any more. */
  drained(): Promise<void>;
}

/** `probe` calls (health) are never refused for load: an operator asks them exactly when load is high. */
export type CallKind = 'unary' | 'stream' | 'probe';

// A moment later there may be room; spread by the clients' own jitter.
const RETRY_AFTER_MS = 1_000;

/** Unary calls and streams are bounded by the same number, each for itself, so that watchers cannot starve calls. */
export function createAdmission(concurrentMax: number): Admission {
  const underWay: Record<CallKind, number> = { unary: 0, stream: 0, probe: 0 };
  const waiting: (() => void)[] = [];
  let open = true;
  let total = 0;

  const leave = (kind: CallKind): void => {
    underWay[kind] -= 1;
    total -= 1;
    if (total === 0) for (const resolve of waiting.splice(0)) resolve();
  };

  return {
    enter(kind) {
      if (!open) {
        throw new DomainError('UNAVAILABLE', 'The service is stopping.', { retryAfterMs: RETRY_AFTER_MS });
      }
      if (kind !== 'probe' && underWay[kind] >= concurrentMax) {
        throw new DomainError('OVERLOADED', 'The service is at its bound of concurrent calls.', {
          retryAfterMs: RETRY_AFTER_MS,
        });
      }
      underWay[kind] += 1;
      total += 1;
      return () => leave(kind);
    },
    close() {
      open = false;
    },
    drained: () => (total === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
