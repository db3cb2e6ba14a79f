/** Somebody who may do the work. */
export interface Runner<T> {
  /** Does the work; the signal aborts when another runner has done it. */
  readonly run: (signal: AbortSignal) => Promise<T>;
  /** Whether after this failure another runner may do better; otherwise it is everybody's failure. */
  readonly isOwnFailure: (error: unknown) => boolean;
  /** Moments at which the next runner may start beside this one, in order. Without any it starts after a failure only. */
  readonly patience: () => readonly Patience[];
}

/** See Runner.patience. */
export interface Patience {
  readonly afterMs: number;
  /** Whether the next runner starts now. */
  readonly isOver: () => boolean;
}

/** Given as a reason, since the default one costs a stack trace for each race. */
const OVER = new Error('another one has answered');

/**
 * Runs one after the other, each next one when the one before has failed or patience with it is over; the first answer
 * counts and ends the others. Rejects with the first failure that is everybody's, or with the last one of all.
 */
export async function race<T>(runners: readonly Runner<T>[], signal: AbortSignal): Promise<T> {
  const [only] = runners;
  if (only && runners.length === 1) return only.run(signal);
  const done = new AbortController();
  try {
    return await new Race(runners, AbortSignal.any([signal, done.signal])).run();
  } finally {
    done.abort(OVER);
  }
}

class Race<T> {
  readonly #runners: readonly Runner<T>[];
  readonly #signal: AbortSignal;
  #next = 0;
  #underWay = 0;
  #timers: NodeJS.Timeout[] = [];

  constructor(runners: readonly Runner<T>[], signal: AbortSignal) {
    this.#runners = runners;
    this.#signal = signal;
  }

  async run(): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        const start = (): void => {
          this.#stopTimers();
          const runner = this.#runners[this.#next++];
          if (!runner) return;
          this.#underWay++;
          if (this.#next < this.#runners.length) this.#startTimers(runner, start);
          runner.run(this.#signal).then(resolve, (error: unknown) => {
            this.#underWay--;
            // Also for a loser that is ended: nobody shall start after the answer.
            if (this.#signal.aborted || !runner.isOwnFailure(error)) return reject(error);
            if (this.#next < this.#runners.length) return start();
            if (this.#underWay === 0) reject(error);
          });
        };
        start();
      });
    } finally {
      this.#stopTimers();
    }
  }

  #startTimers(runner: Runner<T>, start: () => void): void {
    this.#timers = runner.patience().map(({ afterMs, isOver }) => setTimeout(() => isOver() && start(), afterMs));
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}
