import type { CallOptions } from '@morag/connectors-core';

/** A call under way, as use cases see it: when to stop, and how much time is left. */
export interface Call {
  /** Aborts when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /** Until the deadline, at least 1. */
  remainingMs(): number;
  /** For a request to a server: ends a little before the call does, so that its failure can still be told. */
  options(): CallOptions;
}

const TIME_TO_ANSWER_MS = 100;

/** A call that ends with `signal`, and has so much time by `timeoutMs`, which counts down. */
export function newCall(signal: AbortSignal, timeoutMs: () => number): Call {
  const remainingMs = (): number => Math.max(1, timeoutMs());
  return {
    signal,
    remainingMs,
    options() {
      const leftMs = remainingMs();
      return { signal, timeoutMs: Math.max(1, Math.floor(Math.min(leftMs - TIME_TO_ANSWER_MS, leftMs * 0.9))) };
    },
  };
}
