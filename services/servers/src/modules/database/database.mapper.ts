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
  Placement_RoleSchema,
  Placement_StateSchema,
  type Placement as PlacementMessage,
  PlacementSchema,
  type QuarantinedRecord as QuarantinedMessage,
  QuarantinedRecordSchema,
} from '@morag/gen/morag/servers/v1/database_pb.ts';
import { etagOf } from '@morag/orm';
import { enumNames } from '../../enum-names.ts';
import { PLACEMENT_ROLES, PLACEMENT_STATES, type Placement, type QuarantinedRecord } from '../placement/placement.ts';
import { type Database, type DatabaseSpec, READ_POLICIES, WRITE_POLICIES } from './database.ts';

/** Metrics by the contract's numbers. */
export const metrics = enumNames(Database_MetricSchema, METRICS);
/** Read policies by the contract's numbers. */
export const readPolicies = enumNames(Database_ReadPolicySchema, READ_POLICIES);
/** Write policies by the contract's numbers. */
export const writePolicies = enumNames(Mutation_WritePolicySchema, WRITE_POLICIES);
const roles = enumNames(Placement_RoleSchema, PLACEMENT_ROLES);
const states = enumNames(Placement_StateSchema, PLACEMENT_STATES);

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

/** A placement as callers see it. */
export function toPlacementMessage(placement: Placement): PlacementMessage {
  return create(PlacementSchema, {
    id: placement.id,
    databaseId: placement.databaseId,
    serverId: placement.serverId,
    collection: placement.collection,
    role: roles.valueOf(placement.role),
    state: states.valueOf(placement.state),
    appliedSequence: BigInt(placement.appliedSequence),
    lag: placement.lag,
    lagSeconds: placement.lagSeconds,
    percentage: placement.state === 'PROVISIONING' || placement.state === 'BACKFILLING' ? 0 : 100,
    quarantinedCount: placement.quarantinedCount,
    lastError: placement.lastError,
    createTime: timestampFromDate(placement.createdAt),
    updateTime: timestampFromDate(placement.updatedAt),
  });
}

/** A refused record as callers see it. */
export function toQuarantinedMessage({ recordId, sequence, reason, createdAt }: QuarantinedRecord): QuarantinedMessage {
  return create(QuarantinedRecordSchema, {
    recordId,
    sequence: BigInt(sequence),
    reason,
    createTime: timestampFromDate(createdAt),
  });
}
