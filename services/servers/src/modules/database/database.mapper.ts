import { create } from '@bufbuild/protobuf';
import { DurationSchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { METRICS } from '@morag/connectors-core';
import {
  Database_EmbeddingSchema,
  Database_FailBack_PolicySchema,
  Database_FailBackSchema,
  Database_MetricSchema,
  Database_ReadPolicySchema,
  type Database_ReadPreference,
  Database_ReadPreferenceSchema,
  type Database as DatabaseMessage,
  DatabaseSchema,
  Mutation_WritePolicySchema,
} from '@morag/gen/morag/servers/v1/database_pb.ts';
import { etagOf } from '@morag/orm';
import { enumNames } from '../../enum-names.ts';
import { type Database, type DatabaseSpec, FAIL_BACK_POLICIES, READ_POLICIES, WRITE_POLICIES } from './database.ts';
import { NO_PREFERENCE, type ReadPreference } from './read-preference.ts';

/** Metrics by the contract's numbers. */
export const metrics = enumNames(Database_MetricSchema, METRICS);
/** Read policies by the contract's numbers. */
export const readPolicies = enumNames(Database_ReadPolicySchema, READ_POLICIES);
/** Write policies by the contract's numbers. */
export const writePolicies = enumNames(Mutation_WritePolicySchema, WRITE_POLICIES);
const failBackPolicies = enumNames(Database_FailBack_PolicySchema, FAIL_BACK_POLICIES);

const FAIL_BACK_DELAY_SECONDS = 60;

/** A database as callers see it. */
export function toDatabaseMessage(database: Database): DatabaseMessage {
  return create(DatabaseSchema, {
    id: database.id,
    ownerId: database.ownerId,
    name: database.name,
    description: database.description,
    dimension: database.dimension,
    metric: metrics.valueOf(database.metric),
    embedding: create(Database_EmbeddingSchema, {
      provider: database.embeddingProvider,
      model: database.embeddingModel,
    }),
    serverId: database.serverId,
    collection: database.collection,
    readPolicy: readPolicies.valueOf(database.readPolicy),
    writePolicy: writePolicies.valueOf(database.writePolicy),
    vectorWeight: database.vectorWeight ?? undefined,
    readPreference: create(Database_ReadPreferenceSchema, {
      ...database.readPreference,
      labels: { ...database.readPreference.labels },
      weights: { ...database.readPreference.weights },
    }),
    failBack: create(Database_FailBackSchema, {
      policy: failBackPolicies.valueOf(database.failBack),
      delay: create(DurationSchema, { seconds: BigInt(database.failBackDelaySeconds) }),
    }),
    documentCount: database.documentCount,
    lastUpdatedTime: database.lastWrittenAt ? timestampFromDate(database.lastWrittenAt) : undefined,
    headSequence: BigInt(database.headSequence),
    createTime: timestampFromDate(database.createdAt),
    updateTime: timestampFromDate(database.updatedAt),
    etag: etagOf(database),
  });
}

/** What a caller says about a database; validation has seen to the bounds. */
export function fromDatabaseMessage(message: DatabaseMessage): DatabaseSpec {
  return {
    name: message.name,
    description: message.description,
    dimension: message.dimension,
    metric: metrics.nameOf(message.metric) ?? 'cosine',
    embeddingProvider: message.embedding?.provider ?? '',
    embeddingModel: message.embedding?.model ?? '',
    readPolicy: readPolicies.nameOf(message.readPolicy) ?? 'ANY',
    writePolicy: writePolicies.nameOf(message.writePolicy) ?? 'PRIMARY',
    vectorWeight: message.vectorWeight ?? null,
    readPreference: fromReadPreference(message.readPreference),
    failBack: (message.failBack && failBackPolicies.nameOf(message.failBack.policy)) ?? 'MANUAL',
    failBackDelaySeconds: Number(message.failBack?.delay?.seconds ?? FAIL_BACK_DELAY_SECONDS),
  };
}

function fromReadPreference(message: Database_ReadPreference | undefined): ReadPreference {
  if (!message) return NO_PREFERENCE;
  const { labels, pinnedServerId } = message;
  // Ids are compared as text from here on.
  const weights = Object.entries(message.weights).map(([serverId, weight]) => [serverId.toLowerCase(), weight]);
  return { labels, weights: Object.fromEntries(weights), pinnedServerId: pinnedServerId.toLowerCase() };
}
