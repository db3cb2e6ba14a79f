import { type FailoverRules, isFit, type Standing } from './choose-target.ts';

/** A database whose primary is not where it belongs, as one look finds it. */
export interface Displaced {
  /** The placement that was the primary before failovers that nobody asked for. */
  readonly home: Standing;
  readonly primary: Standing;
  /** Since when the server of `home` has the status that it has; monotonic milliseconds. */
  readonly statusSinceMs: number;
  /** How long `home` has to be well. */
  readonly delayMs: number;
  /** Changes of the primary that were made without anybody asking, within the window. */
  readonly recentChanges: number;
}

/** Since when a home has been well, by looks that were never far apart; monotonic milliseconds. */
export interface WellSince {
  readonly sinceMs: number;
  readonly seenAtMs: number;
}

/** When a look took place, and what this process knew of itself. */
export interface Look {
  readonly atMs: number;
  readonly isPanic: boolean;
}

/** What is to be done, or why nothing is. */
export type FailBackDecision =
  | { readonly kind: 'GO_BACK'; readonly well: WellSince }
  | {
      readonly kind: 'WAIT';
      readonly why: 'NOT_YET' | 'PRIMARY_IS_DOWN' | 'TOO_MANY_CHANGES';
      readonly well: WellSince;
    }
  | { readonly kind: 'WAIT'; readonly why: 'FAULT_IS_OURS' | 'NOT_WELL'; readonly well?: undefined };

/** After a longer pause between two looks nobody was watching, and the delay begins anew. */
export const GAP_MS = 5_000;

/**
 * Whether a database goes back to where its primary was. Pure, as `decideFailover` is. Its home has to be in sync on a
 * healthy server for the whole delay: one moment in which it was not begins the delay anew. One change of those that are
 * allowed within the window is left for a failover, so that going back never keeps a database from leaving again.
 */
export function decideFailBack(
  before: WellSince | undefined,
  { home, primary, statusSinceMs, delayMs, recentChanges }: Displaced,
  { atMs, isPanic }: Look,
  { changesMax }: FailoverRules,
): FailBackDecision {
  if (isPanic) return { kind: 'WAIT', why: 'FAULT_IS_OURS' };
  if (!isWell(home)) return { kind: 'WAIT', why: 'NOT_WELL' };
  const isWatched = before !== undefined && atMs - before.seenAtMs <= GAP_MS;
  // What happened to its server between two looks is known by its status.
  const well = { sinceMs: Math.max(isWatched ? before.sinceMs : atMs, statusSinceMs), seenAtMs: atMs };
  if (atMs - well.sinceMs < delayMs) return { kind: 'WAIT', why: 'NOT_YET', well };
  // The failover is about to choose, by what it knows of all replicas.
  if (primary.health === 'UNHEALTHY') return { kind: 'WAIT', why: 'PRIMARY_IS_DOWN', well };
  if (recentChanges >= changesMax - 1) return { kind: 'WAIT', why: 'TOO_MANY_CHANGES', well };
  return { kind: 'GO_BACK', well };
}

function isWell(home: Standing): boolean {
  return isFit(home) && home.state === 'IN_SYNC' && home.health === 'HEALTHY' && !home.isFlapping;
}
