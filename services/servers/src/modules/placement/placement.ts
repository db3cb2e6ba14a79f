import { DomainError } from '@morag/errors';

/** A placement's part in its database. */
export const PLACEMENT_ROLES = ['PRIMARY', 'REPLICA'] as const;
/** See PLACEMENT_ROLES. */
export type PlacementRole = (typeof PLACEMENT_ROLES)[number];

/** How far a placement is. */
export const PLACEMENT_STATES = [
  'PROVISIONING',
  'BACKFILLING',
  'CATCHING_UP',
  'IN_SYNC',
  'LAGGING',
  'OFFLINE',
  'DRAINING',
] as const;
/** See PLACEMENT_STATES. */
export type PlacementState = (typeof PLACEMENT_STATES)[number];

/** States in which the log is applied to a placement as it grows. */
export const FOLLOWING_STATES: readonly PlacementState[] = ['CATCHING_UP', 'IN_SYNC', 'LAGGING', 'OFFLINE'];

/** Whether the log is applied to a placement now. */
export function follows({ state }: { readonly state: PlacementState }): boolean {
  return FOLLOWING_STATES.includes(state);
}

/** States of a placement that is a full copy: what a write policy counts, and what a new placement is filled from. */
export const MEMBER_STATES: readonly PlacementState[] = ['IN_SYNC', 'LAGGING', 'OFFLINE'];

/** Where a database physically lives, as a caller sees it. */
export interface Placement {
  readonly id: string;
  readonly databaseId: string;
  readonly serverId: string;
  readonly collection: string;
  readonly role: PlacementRole;
  readonly state: PlacementState;
  readonly appliedSequence: number;
  /** Mutations it has yet to apply. */
  readonly lag: number;
  /** Age in seconds of the oldest of them; 0 when there is none. */
  readonly lagSeconds: number;
  /** Records that a backfill has copied, of so many. */
  readonly copied: number;
  readonly copyTotal: number;
  readonly quarantinedCount: number;
  readonly lastError: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A record that a server refused. */
export interface QuarantinedRecord {
  readonly recordId: string;
  readonly sequence: number;
  readonly reason: string;
  readonly createdAt: Date;
}

/** The error for what the role or the state of a placement does not allow. */
export function placementConflict(text: string): DomainError {
  return new DomainError('PLACEMENT_CONFLICT', text);
}
