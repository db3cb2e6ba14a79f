import { isConnectorError } from '@morag/connectors-core';

/**
 * How many records are sent to a server in one call: fewer after it did not manage them within the deadline, more again
 * while it does so with ease. Without it a server that is too slow for a full call would be sent the same one for ever, and
 * undo it each time.
 */
export interface Pace {
  /** Beside the vendor's own bound. */
  recordsMax(): number;
  /** Does work with so many records, those included that it deletes, and learns from how it ends. */
  run<T>(records: number, work: () => Promise<T>): Promise<T>;
}

/** As many as any vendor takes at a time, or nearly so. */
const RECORDS_MAX = 1_000;
/** Of a server of which nothing is known: a call that is too large costs its whole deadline, two that are too small nothing. */
const RECORDS_FIRST = 250;
const SHRINK = 4;
const GROW = 2;
/** A fifth of the longest deadline of a call: twice as many records are then done in time. */
const EASY_MS = 2_000;

/** Creates the pace of a server of which nothing is known. `now`: monotonic milliseconds. */
export function createPace(now: () => number): Pace {
  let recordsMax = RECORDS_FIRST;
  return {
    recordsMax: () => recordsMax,
    async run(records, work) {
      const startedAtMs = now();
      try {
        const result = await work();
        // Fewer records than it may take say nothing about more of them.
        const isEasy = records >= recordsMax && now() - startedAtMs < EASY_MS;
        if (isEasy) recordsMax = Math.min(RECORDS_MAX, recordsMax * GROW);
        return result;
      } catch (error) {
        const isTooMuch = isConnectorError(error) && error.category === 'timeout';
        if (isTooMuch) recordsMax = Math.max(1, Math.floor(Math.min(recordsMax, records) / SHRINK));
        throw error;
      }
    },
  };
}
