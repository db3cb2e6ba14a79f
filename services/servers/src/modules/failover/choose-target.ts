import type { HealthStatus } from '../health/health-status.ts';
import type { PlacementRole, PlacementState } from '../placement/placement.ts';

/** A placement, and how its server does. */
export interface Standing {
  readonly placementId: string;
  readonly serverId: string;
  readonly role: PlacementRole;
  readonly state: PlacementState;
  readonly appliedSequence: number;
  readonly health: HealthStatus;
  /** A request to its server has just failed. */
  readonly isSuspect: boolean;
  /** Its server comes and goes. */
  readonly isFlapping: boolean;
}

/** A database whose primary is down. */
export interface Endangered {
  readonly placements: readonly Standing[];
  /** Changes of the primary that were made without anybody asking, within the window. */
  readonly recentChanges: number;
}

/** By what a failover is decided. */
export interface FailoverRules {
  /** More changes than these within the window would be a database that is thrown to and fro. */
  readonly changesMax: number;
  readonly changesWindowMs: number;
}

/** What is to be done, or why nothing is. */
export type FailoverDecision =
  | { readonly kind: 'PROMOTE'; readonly target: Standing }
  | { readonly kind: 'WAIT'; readonly why: 'PRIMARY_IS_UP' | 'FAULT_IS_OURS' | 'TOO_MANY_CHANGES' | 'NO_CANDIDATE' };

/**
 * Whether a database fails over by itself, and where to. Pure, as the judgement of its servers is: a primary that is not
 * known to be down stays, and nothing changes while this process may be the one that is cut off.
 */
export function decideFailover(
  { placements, recentChanges }: Endangered,
  isPanic: boolean,
  { changesMax }: FailoverRules,
): FailoverDecision {
  if (isPanic) return { kind: 'WAIT', why: 'FAULT_IS_OURS' };
  const primary = placements.find(({ role }) => role === 'PRIMARY');
  if (primary?.health !== 'UNHEALTHY') return { kind: 'WAIT', why: 'PRIMARY_IS_UP' };
  const target = freshest(placements.filter(isFit));
  if (!target) return { kind: 'WAIT', why: 'NO_CANDIDATE' };
  return recentChanges >= changesMax ? { kind: 'WAIT', why: 'TOO_MANY_CHANGES' } : { kind: 'PROMOTE', target };
}

/** Whether a replica can take over at once: a full copy on a server that answers. */
export function isFit({ role, state, health, isSuspect }: Standing): boolean {
  const isCopy = state === 'IN_SYNC' || state === 'LAGGING';
  return role === 'REPLICA' && isCopy && !isSuspect && (health === 'HEALTHY' || health === 'DEGRADED');
}

/** The one to prefer: steady, in sync, with the most of the log, on the healthier server. */
export function freshest(candidates: readonly Standing[]): Standing | undefined {
  const [best] = candidates.toSorted(
    (a, b) =>
      Number(a.isFlapping) - Number(b.isFlapping) ||
      Number(b.state === 'IN_SYNC') - Number(a.state === 'IN_SYNC') ||
      b.appliedSequence - a.appliedSequence ||
      Number(b.health === 'HEALTHY') - Number(a.health === 'HEALTHY') ||
      (a.placementId < b.placementId ? -1 : 1),
  );
  return best;
}
