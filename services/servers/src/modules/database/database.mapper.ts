import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { METRICS } from '@morag/connectors-core';
import {
  Database_EmbeddingSchema,
  Database_MetricSchema,
  Database_ReadPolicySchema,
  type Database as DatabaseMessage,
  DatabaseSchema,
  Mutation_WritePolicySchema,
} from '@morag/gen/morag/servers/v1/database_pb.ts';
import { etagOf } from '@morag/orm';
import { enumNames } from '../../enum-names.ts';
import { type Database, type DatabaseSpec, READ_POLICIES, WRITE_POLICIES } from './database.ts';

/** Metrics by the contract's numbers. */
export const metrics = enumNames(Database_MetricSchema, METRICS);
/** Read policies by the contract's numbers. */
export const readPolicies = enumNames(Database_ReadPolicySchema, READ_POLICIES);
/** Write policies by the contract's numbers. */
export const writePolicies = enumNames(Mutation_WritePolicySchema, WRITE_POLICIES);

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
  };
}
