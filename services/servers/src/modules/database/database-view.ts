import type { Metric } from '@morag/connectors-core';
import type { PlacementRole, PlacementState } from '../placement/placement.ts';
import type { ReadPolicy, WritePolicy } from './database.ts';
import type { Preferred } from './read-preference.ts';

/** A placement, as reads and writes need it. */
export interface PlacementView extends Preferred {
  readonly id: string;
  readonly databaseId: string;
  readonly serverId: string;
  /** Of the server: see `Server.revision`. */
  readonly revision: number;
  readonly collection: string;
  readonly role: PlacementRole;
  readonly state: PlacementState;
  readonly appliedSequence: number;
  /** Of its lease: `appliedSequence` may be lower under a new one. */
  readonly epoch: number;
}

/** A database with its placements, as reads and writes need them: a moment old, at most a second. */
export interface DatabaseView {
  readonly id: string;
  readonly ownerId: string;
  readonly dimension: number;
  readonly metric: Metric;
  readonly readPolicy: ReadPolicy;
  /** Reads go to this server alone; empty for none. */
  readonly pinnedServerId: string;
  readonly writePolicy: WritePolicy;
  readonly headSequence: number;
  readonly primary: PlacementView;
  readonly placements: readonly PlacementView[];
}
