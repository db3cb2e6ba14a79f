import type { Metadata } from '@morag/connectors-core';

/** A record as the log keeps it: what a placement needs to make it, and nothing else. */
export interface LoggedRecord {
  readonly id: string;
  readonly vector: Float32Array;
  readonly metadata?: Metadata;
  readonly document?: string;
}

/** One write to a database. Deletes by filter are resolved to ids before they are logged, so that a replay is exact. */
export type Mutation =
  | { readonly kind: 'UPSERT'; readonly records: readonly LoggedRecord[] }
  | { readonly kind: 'DELETE'; readonly ids: readonly string[] };

/** A mutation in its place in the log. */
export interface LogEntry {
  /** Grows by one in its database, from 1. */
  readonly sequence: number;
  readonly mutation: Mutation;
  /** Of its stored form; stands for its size in memory. */
  readonly sizeBytes: number;
}

/** How many records a mutation touches. */
export function countOf(mutation: Mutation): number {
  return mutation.kind === 'UPSERT' ? mutation.records.length : mutation.ids.length;
}

/** The records that a mutation touches. */
export function idsOf(mutation: Mutation): readonly string[] {
  return mutation.kind === 'UPSERT' ? mutation.records.map(({ id }) => id) : mutation.ids;
}
