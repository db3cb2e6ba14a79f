import type { Metric } from '@morag/connectors-core';
import type { ReadPreference } from './read-preference.ts';

/** Which placements a read may go to. */
export const READ_POLICIES = ['ANY', 'BOUNDED', 'AT_LEAST', 'PRIMARY'] as const;
/** See READ_POLICIES. */
export type ReadPolicy = (typeof READ_POLICIES)[number];

/** When a write is answered. */
export const WRITE_POLICIES = ['PRIMARY', 'QUORUM', 'ALL', 'LOGGED'] as const;
/** See WRITE_POLICIES. */
export type WritePolicy = (typeof WRITE_POLICIES)[number];

/** Who decides whether the primary goes back to where it was before a failover that nobody asked for. */
export const FAIL_BACK_POLICIES = ['MANUAL', 'AUTOMATIC'] as const;
/** See FAIL_BACK_POLICIES. */
export type FailBackPolicy = (typeof FAIL_BACK_POLICIES)[number];

/**
 * `PROVISIONING`: its collection is being made and nobody sees it yet. `DELETING`: nobody sees it any more, its name is
 * free, and its collections and log are still to be removed.
 */
export const DATABASE_STATES = ['PROVISIONING', 'READY', 'DELETING'] as const;
/** What a caller decides about a database at creation. */
export interface DatabaseSpec {
  readonly name: string;
  readonly description: string;
  readonly dimension: number;
  readonly metric: Metric;
  readonly embeddingProvider: string;
  readonly embeddingModel: string;
  readonly readPolicy: ReadPolicy;
  readonly writePolicy: WritePolicy;
  readonly vectorWeight: number | null;
  readonly readPreference: ReadPreference;
  readonly failBack: FailBackPolicy;
  /** How long a former primary has to be well before the database goes back to it. */
  readonly failBackDelaySeconds: number;
}

/** A logical database as a caller sees it. */
export interface Database extends DatabaseSpec {
  readonly id: string;
  readonly ownerId: string;
  /** Where the primary is. */
  readonly serverId: string;
  readonly collection: string;
  readonly documentCount: number;
  readonly headSequence: number;
  readonly lastWrittenAt: Date | null;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
