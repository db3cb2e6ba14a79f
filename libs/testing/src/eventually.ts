import { setTimeout as pause } from 'node:timers/promises';

/** See eventually. */
export interface EventuallyOptions {
  /** Default 15,000: half of what Jest allows a test, and a busy machine is slow. */
  readonly timeoutMs?: number;
  /** Default 20. */
  readonly intervalMs?: number;
}

/**
 * Tries `attempt` until it does not throw, and answers what it returned. After the time is up its last error is thrown: an
 * expectation inside says what was still wrong.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { timeoutMs = 15_000, intervalMs = 20 }: EventuallyOptions = {},
): Promise<T> {
  for (const deadline = performance.now() + timeoutMs; ; await pause(intervalMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
  }
}
