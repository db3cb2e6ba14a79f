import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';

/** The time of a process that passes only when it is told to, and then as fast as the work allows. */
export interface VirtualTime {
  /** Milliseconds since the process began. */
  now(): number;
  /** Does what is due until then, one thing at a time, each with all that follows from it at once. */
  runUntil(endMs: number): Promise<void>;
  /** Forgets what is still to be done. */
  clear(): void;
}

interface Task {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

const realImmediate = setImmediate;

/** Lets everything run that waits for no time: one turn of the event loop empties the queue of microtasks. */
const settled = (): Promise<void> => new Promise((resolve) => realImmediate(resolve));

/**
 * Puts the whole process on virtual time: timers, sleeps, deadlines and the monotonic clock of the real code run by it,
 * with nothing to be passed to it. For a process of its own: there is no way back.
 */
export function installVirtualTime(): VirtualTime {
  const queue = newTaskQueue();
  let nowMs = 0;
  let order = 0;
  const timers = newTimers((run, delayMs) => {
    const task = { atMs: nowMs + Math.max(0, delayMs || 0), order: ++order, run, isCancelled: false };
    queue.push(task);
    return task;
  });

  const { setTimeout, setInterval, clear, sleep, timeout } = timers;
  Object.assign(globalThis, { setTimeout, setInterval, clearTimeout: clear, clearInterval: clear });
  Object.assign(AbortSignal, { timeout });
  Object.defineProperty(performance, 'now', { value: () => nowMs });
  Object.assign(promises, { setTimeout: sleep });
  syncBuiltinESMExports();

  return {
    now: () => nowMs,
    async runUntil(endMs) {
      await settled();
      for (let task = queue.pop(endMs); task; task = queue.pop(endMs)) {
        nowMs = task.atMs;
        task.run();
        await settled();
      }
      nowMs = endMs;
    },
    clear: queue.clear,
  };
}

/** As much of Node's timers as the code uses. */
function newTimers(schedule: (run: () => void, delayMs: number) => Task) {
  const handleOf = (task: () => Task) => {
    const handle = {
      ref: () => handle,
      unref: () => handle,
      cancel(): void {
        task().isCancelled = true;
      },
    };
    return handle;
  };
  return {
    setTimeout(run: (...args: unknown[]) => void, ms: number, ...args: unknown[]) {
      const task = schedule(() => run(...args), ms);
      return handleOf(() => task);
    },
    setInterval(run: () => void, ms: number) {
      const again = (): Task =>
        schedule(
          () => {
            current = again();
            run();
          },
          Math.max(1, ms),
        );
      let current = again();
      return handleOf(() => current);
    },
    clear: (handle?: { cancel(): void }) => handle?.cancel(),
    timeout(ms: number): AbortSignal {
      const controller = new AbortController();
      schedule(() => controller.abort(new DOMException('the time is up', 'TimeoutError')), ms);
      return controller.signal;
    },
    sleep: (ms: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const giveUp = (): void => {
          task.isCancelled = true;
          reject(signal?.reason as Error);
        };
        const task = schedule(() => {
          signal?.removeEventListener('abort', giveUp);
          resolve(value);
        }, ms);
        signal?.addEventListener('abort', giveUp, { once: true });
      }),
  };
}

/** The earliest first; of those of one moment, in the order in which they were scheduled. A binary heap. */
function newTaskQueue() {
  let heap: Task[] = [];
  const isBefore = (a: Task, b: Task): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const at = (index: number): Task => heap[index] as Task;
  const swap = (i: number, j: number): void => {
    [heap[i], heap[j]] = [at(j), at(i)];
  };
  const sink = (): void => {
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let first = i;
      if (left < heap.length && isBefore(at(left), at(first))) first = left;
      if (right < heap.length && isBefore(at(right), at(first))) first = right;
      if (first === i) return;
      swap(i, first);
      i = first;
    }
  };
  return {
    push(task: Task): void {
      heap.push(task);
      for (let i = heap.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        if (!isBefore(at(i), at(parent))) return;
        swap(i, parent);
        i = parent;
      }
    },
    /** Undefined when nothing is due by then. */
    pop(endMs: number): Task | undefined {
      for (let first = heap[0]; first && first.atMs <= endMs; first = heap[0]) {
        const last = heap.pop() as Task;
        if (heap.length > 0) {
          heap[0] = last;
          sink();
        }
        if (!first.isCancelled) return first;
      }
      return undefined;
    },
    clear(): void {
      heap = [];
    },
  };
}
