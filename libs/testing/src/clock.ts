/** A clock that stands still until it is moved. `now` has the shape of `Date.now`. */
export interface FixedClock {
  readonly now: () => number;
  /** Moves it forward. */
  advance(ms: number): void;
}

/** Creates a clock at a time that no test depends on, unless one is given. */
export function fixedClock(start: Date | string = '2026-01-02T03:04:05.678Z'): FixedClock {
  let nowMs = new Date(start).getTime();
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
  };
}
