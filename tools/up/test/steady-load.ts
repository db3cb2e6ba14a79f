import { setTimeout as pause } from 'node:timers/promises';

/** Calls at a steady rate, whatever becomes of those before. */
export interface SteadyLoad {
  /** How many were made so far. */
  calls(): number;
  /** Makes no more; ends when all are answered. */
  stop(): Promise<void>;
}

/** Starts it; `work` is given the number of each call, from 0, and is not to reject. */
export function startSteadyLoad(perSecond: number, work: (n: number) => Promise<void>): SteadyLoad {
  let isOver = false;
  let calls = 0;
  const run = async (): Promise<void> => {
    const underWay = new Set<Promise<void>>();
    const startedAtMs = performance.now();
    while (!isOver) {
      const one = work(calls++);
      underWay.add(one);
      void one.finally(() => underWay.delete(one));
      // One that is late is not waited for: the rate is that of the callers, not of what the machine can do.
      const earlyMs = startedAtMs + (calls * 1_000) / perSecond - performance.now();
      if (earlyMs > 0) await pause(earlyMs);
    }
    await Promise.all(underWay);
  };
  const running = run();
  return {
    calls: () => calls,
    async stop() {
      isOver = true;
      await running;
    },
  };
}
