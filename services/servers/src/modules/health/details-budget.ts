/** Says whether one more may be done now, and counts it. */
export type Budget = () => boolean;

/**
 * Allows so many a second, and no more at once than in one second. What many servers tell about themselves is then asked for
 * evenly: by when it was last asked for alone, they would all be asked together once a minute, and at the start. `now`:
 * monotonic milliseconds.
 */
export function createBudget(now: () => number, perSecond: number): Budget {
  let saved = perSecond;
  let atMs = now();
  return () => {
    const nowMs = now();
    saved = Math.min(perSecond, saved + ((nowMs - atMs) * perSecond) / 1_000);
    atMs = nowMs;
    if (saved < 1) return false;
    saved--;
    return true;
  };
}
