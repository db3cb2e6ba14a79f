import { setTimeout as delay } from 'node:timers/promises';
import { ConnectorError } from './connector.error.ts';

const FIRST_DELAY_MS = 50;
const DELAY_MS_MAX = 2_000;

export interface RetryPolicy {
  /** Attempts after the first. */
  readonly retries: number;
  /** When the whole call has to be over, as `performance.now()`. */
  readonly endsAt: number;
  readonly signal: AbortSignal;
}

/**
 * Repeats what failed in a way that may pass, with full jitter, or after the time that the server asked for. All of a
 * connector's operations are idempotent. When the next attempt would not start in time, the last error stands.
 */
export async function withRetries<T>(policy: RetryPolicy, attempt: () => Promise<T>): Promise<T> {
  for (let made = 0; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      if (made >= policy.retries || !(error instanceof ConnectorError) || !error.retryable) throw error;
      const waitMs = error.retryAfterMs ?? Math.random() * Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** made);
      if (performance.now() + waitMs >= policy.endsAt) throw error;
      await delay(waitMs, undefined, { signal: policy.signal });
    }
  }
}
