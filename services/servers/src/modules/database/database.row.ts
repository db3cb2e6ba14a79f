import type { Metric } from '@morag/connectors-core';
import type { Columns } from '../../sql.ts';
import type { Database, DatabaseSpec, FailBackPolicy, ReadPolicy, WritePolicy } from './database.ts';
import { NO_PREFERENCE, type ReadPreference } from './read-preference.ts';

/** A row of `databases`, with where its primary is. */
export interface DatabaseRow {
  readonly id: string;
  readonly owner_id: string;
  readonly name: string;
  readonly description: string;
  readonly dimension: number;
  readonly metric: Metric;
  readonly embedding_provider: string;
  readonly embedding_model: string;
  readonly read_policy: ReadPolicy;
  readonly write_policy: WritePolicy;
  readonly vector_weight: number | null;
  readonly read_preference: Partial<ReadPreference>;
  readonly fail_back: FailBackPolicy;
  readonly fail_back_delay_seconds: number;
  readonly document_count: number;
  readonly head_seq: bigint;
  readonly last_written_at: Date | null;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly server_id: string;
  readonly collection: string;
}

/** The database of a row. */
export function toDatabase(row: DatabaseRow): Database {
  return {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    description: row.description,
    dimension: row.dimension,
    metric: row.metric,
    embeddingProvider: row.embedding_provider,
    embeddingModel: row.embedding_model,
    readPolicy: row.read_policy,
    writePolicy: row.write_policy,
    vectorWeight: row.vector_weight,
    readPreference: { ...NO_PREFERENCE, ...row.read_preference },
    failBack: row.fail_back,
    failBackDelaySeconds: row.fail_back_delay_seconds,
    serverId: row.server_id,
    collection: row.collection,
    documentCount: row.document_count,
    headSequence: Number(row.head_seq),
    lastWrittenAt: row.last_written_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const COLUMN_OF = {
  id: 'id',
  ownerId: 'owner_id',
  name: 'name',
  description: 'description',
  dimension: 'dimension',
  metric: 'metric',
  embeddingProvider: 'embedding_provider',
  embeddingModel: 'embedding_model',
  readPolicy: 'read_policy',
  writePolicy: 'write_policy',
  vectorWeight: 'vector_weight',
  readPreference: 'read_preference',
  failBack: 'fail_back',
  failBackDelaySeconds: 'fail_back_delay_seconds',
} as const satisfies Partial<Record<keyof Database, keyof DatabaseRow>>;

/** The columns of what is given. */
export function toColumns(values: Partial<DatabaseSpec & { id: string; ownerId: string }>): Columns {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([field, value]) => [COLUMN_OF[field as keyof typeof COLUMN_OF], value]));
}
