/** What is to be done when: each id once, in steps of a few milliseconds. Costs the same however many ids it holds. */
export interface DueQueue {
  /** Instead of any earlier time. */
  schedule(id: string, atMs: number): void;
  remove(id: string): void;
  /** Takes out what is due, at most so many; the rest stays, at no cost. */
  takeDue(nowMs: number, max: number): readonly string[];
}

/** Creates an empty queue whose first step is the one of `nowMs`. */
export function createDueQueue(stepMs: number, nowMs: number): DueQueue {
  const steps = new Map<number, Set<string>>();
  const stepOf = new Map<string, number>();
  let next = Math.floor(nowMs / stepMs);

  const remove = (id: string): void => {
    const step = stepOf.get(id);
    if (step === undefined) return;
    stepOf.delete(id);
    steps.get(step)?.delete(id);
  };

  return {
    schedule(id, atMs) {
      remove(id);
      const step = Math.max(next, Math.ceil(atMs / stepMs));
      stepOf.set(id, step);
      const ids = steps.get(step) ?? new Set();
      steps.set(step, ids.add(id));
    },
    remove,
    takeDue(nowMs, max) {
      const due: string[] = [];
      for (const last = Math.floor(nowMs / stepMs); next <= last; next++) {
        const ids = steps.get(next) ?? new Set();
        for (const id of ids) {
          if (due.length >= max) return due;
          stepOf.delete(id);
          ids.delete(id);
          due.push(id);
        }
        steps.delete(next);
      }
      return due;
    },
  };
}
