/** Allows a bounded share of reads to be sent twice, so that hedging never doubles the load of servers that are all slow. */
export interface HedgeBudget {
  /** A read was made. */
  earn(): void;
  /** Whether one may be sent twice; takes that right. */
  spend(): boolean;
}

/** Rights that can be saved up while nothing is slow. */
const SAVED_MAX = 10;

/** Creates a budget of `share` (0 to 1) of all reads; 0 allows none. */
export function createHedgeBudget(share: number): HedgeBudget {
  let saved = 0;
  return {
    earn() {
      saved = Math.min(SAVED_MAX, saved + share);
    },
    spend() {
      if (saved < 1) return false;
      saved--;
      return true;
    },
  };
}
