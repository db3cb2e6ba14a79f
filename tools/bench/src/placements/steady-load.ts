import { setTimeout as pause } from 'node:timers/promises';

/** What became of calls made at a steady rate. */
export interface LoadResult {
  /** Milliseconds of each call that was answered. */
  readonly times: readonly number[];
  readonly failures: readonly Error[];
}

/** Calls that go on. */
export interface SteadyLoad {
  /** Makes no more, and answers when all are over. */
  stop(): Promise<LoadResult>;
}

/** Starts a call `perSecond` times a second, whatever becomes of those before. */
export function startLoad(perSecond: number, work: () => Promise<void>): SteadyLoad {
  const times: number[] = [];
  const failures: Error[] = [];
  const underWay = new Set<Promise<void>>();
  let isOver = false;
  const callOnce = async (): Promise<void> => {
    const startMs = performance.now();
    try {
      await work();
      times.push(performance.now() - startMs);
    } catch (error) {
      failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const run = async (): Promise<void> => {
    const startMs = performance.now();
    for (let calls = 1; !isOver; calls++) {
      const one = callOnce().finally(() => underWay.delete(one));
      underWay.add(one);
      const earlyMs = startMs + (calls * 1_000) / perSecond - performance.now();
      if (earlyMs > 0) await pause(earlyMs);
    }
    await Promise.all(underWay);
  };
  const running = run();
  return {
    async stop() {
      isOver = true;
      await running;
      return { times, failures };
    },
  };
}

/** Makes so many calls at a steady rate. */
export async function runLoad(perSecond: number, calls: number, work: () => Promise<void>): Promise<LoadResult> {
  const load = startLoad(perSecond, work);
  await pause((calls * 1_000) / perSecond);
  return load.stop();
}
