const FIRST_DELAY_MS = 100;
const DELAY_MS_MAX = 10_000;

/**
 * How long to wait before attempt `attempts + 1`: doubling from 100 ms to 10 s, between half of it and all of it, so that
 * many placements of one server do not come back at the same moment; never sooner than the server asked for.
 */
export function backoffMs(attempts: number, random: () => number, retryAfterMs = 0): number {
  const full = Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** Math.max(0, attempts - 1));
  return Math.max(full * (0.5 + random() / 2), Math.min(retryAfterMs, DELAY_MS_MAX));
}
