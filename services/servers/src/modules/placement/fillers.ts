import { createBell } from '../log/bell.ts';
import { type FillDeps, fillPlacement } from './fill-placement.ts';

/** Fills the placements that need it: those of this instance's turn, a few at once. */
export interface Fillers {
  start(): void;
  /** A placement was added. */
  wake(): void;
  /** Leaves a placement, which is then no longer to be filled. */
  stopOne(placementId: string): Promise<void>;
  stop(): Promise<void>;
}

/** See createFillers. */
export interface FillersDeps extends FillDeps {
  readonly sweepMs: number;
  /** A placement is filled, and follows the log from now on. */
  readonly onFilled: (placement: { readonly id: string; readonly databaseId: string }) => void;
}

interface Running {
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

const FILLED_AT_ONCE = 4;

/** Creates them. What another instance has begun and not finished is found by the sweep. */
export function createFillers(deps: FillersDeps): Fillers {
  const running = new Map<string, Running>();
  const stopping = new AbortController();
  const bell = createBell();
  let sweeping: Promise<void> | undefined;

  const fill = async (placementId: string, databaseId: string, signal: AbortSignal): Promise<void> => {
    try {
      const end = await fillPlacement(deps, placementId, signal);
      if (end === 'filled') deps.onFilled({ id: placementId, databaseId });
    } catch (error) {
      deps.logger.warn({ err: error, placementId }, 'filling a placement was put off');
    } finally {
      running.delete(placementId);
      // Another one may be waiting for the room.
      if (running.size === FILLED_AT_ONCE - 1) bell.ring();
    }
  };
  const sweep = async (): Promise<void> => {
    for (const { placementId, databaseId } of await deps.copies.waiting(FILLED_AT_ONCE * 4)) {
      if (running.size >= FILLED_AT_ONCE || stopping.signal.aborted) return;
      if (!running.has(placementId)) begin(placementId, databaseId);
    }
  };
  const begin = (placementId: string, databaseId: string): void => {
    const own = new AbortController();
    const signal = AbortSignal.any([stopping.signal, own.signal]);
    running.set(placementId, { stopping: own, ended: fill(placementId, databaseId, signal) });
  };
  const sweepAgainAndAgain = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sweep().catch((error: unknown) => deps.logger.debug({ err: error }, 'filling was put off'));
      await bell.wait(deps.sweepMs * (1 + deps.random() / 2), stopping.signal);
    }
  };

  return {
    start() {
      sweeping = sweepAgainAndAgain();
    },
    wake: () => bell.ring(),
    async stopOne(placementId) {
      const one = running.get(placementId);
      one?.stopping.abort();
      await one?.ended;
    },
    async stop() {
      stopping.abort();
      await sweeping;
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}
