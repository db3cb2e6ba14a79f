import { defineEntity, p } from '@mikro-orm/postgresql';
import { METRICS } from '@morag/connectors-core';
import { baseColumns } from '@morag/orm';
import { DATABASE_STATES, FAIL_BACK_POLICIES, READ_POLICIES, WRITE_POLICIES } from './database.ts';
import type { ReadPreference } from './read-preference.ts';

/** A logical database and the head of its log. */
export const DatabaseEntity = defineEntity({
  name: 'Database',
  tableName: 'databases',
  properties: {
    ...baseColumns,
    ownerId: p.uuid(),
    state: p.enum(DATABASE_STATES),
    name: p.string().length(255),
    description: p.string().length(1000),
    dimension: p.integer(),
    metric: p.enum(METRICS),
    embeddingProvider: p.string().length(64),
    embeddingModel: p.string().length(255),
    readPolicy: p.enum(READ_POLICIES),
    writePolicy: p.enum(WRITE_POLICIES),
    vectorWeight: p.double().nullable(),
    /** What it leaves out is as in NO_PREFERENCE. */
    readPreference: p.json<Partial<ReadPreference>>().defaultRaw("'{}'"),
    failBack: p.enum(FAIL_BACK_POLICIES).default('MANUAL'),
    failBackDelaySeconds: p.integer().default(60),
    /** The placement that was the primary before failovers that nobody asked for; null while that is the primary. */
    homePlacementId: p.uuid().nullable(),
    documentCount: p.integer().default(0),
    /** Of the newest count that was taken; an older one changes nothing. */
    documentCountRevision: p.bigint().default('0'),
    /** Sequence of the newest mutation in the log. */
    headSeq: p.bigint().default('0'),
    /** Mutations up to this one are no longer in the log. */
    trimmedSeq: p.bigint().default('0'),
    lastWrittenAt: p.datetime(6).nullable(),
  },
  uniques: [{ name: 'databases_owner_name', properties: ['ownerId', 'name'], where: `state <> 'DELETING'` }],
  indexes: [
    { name: 'databases_owner_created', properties: ['ownerId', 'createdAt', 'id'] },
    { name: 'databases_created', properties: ['createdAt', 'id'] },
    { name: 'databases_unready', properties: ['updatedAt'], where: `state <> 'READY'` },
    { name: 'databases_displaced', properties: ['id'], where: 'home_placement_id is not null' },
  ],
});
