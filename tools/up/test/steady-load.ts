import { setTimeout as pause } from 'node:timers/promises';

/** Calls at a steady rate, whatever becomes of those before. */
export interface SteadyLoad {
  /** How many were made so far. */
  calls(): number;
  /** Makes no more; ends when all are answered. */
  stop(): Promise<void>;
}

/** When so many wait for an answer nobody else asks: a machine that cannot keep up is to get slow, and not to drown. */
const CALLERS = 300;

/** Starts it; `work` is given the number of each call, from 0, and is not to reject. */
export function startSteadyLoad(perSecond: number, work: (n: number) => Promise<void>): SteadyLoad {
  let isOver = false;
  let calls = 0;
  const run = async (): Promise<void> => {
    const underWay = new Set<Promise<void>>();
    let startedAtMs = performance.now();
    while (!isOver) {
      const fullAtMs = performance.now();
      if (underWay.size >= CALLERS) await Promise.race(underWay);
      // What nobody asked meanwhile is not made up for.
      startedAtMs += performance.now() - fullAtMs;
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
