import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { type CallOptions, createClient, type Transport } from '@connectrpc/connect';
import type { Filter } from '@morag/connectors-core';
import { Database_ReadPolicy } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { FilterSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { forwardHeaders } from '@morag/rpc';
import type { Acting, ServersPort } from './servers.port.ts';

/** The servers service over a transport. */
export function createServersClient(transport: Transport): ServersPort {
  const databases = createClient(DatabaseService, transport);
  const records = createClient(RecordService, transport);
  return {
    async database(databaseId, acting, signal) {
      const found = await databases.getDatabase({ databaseId }, options(acting, signal));
      return {
        id: found.id,
        ownerId: found.ownerId,
        dimension: found.dimension,
        provider: found.embedding?.provider ?? '',
        model: found.embedding?.model ?? '',
        vectorWeight: found.vectorWeight,
      };
    },
    async upsert(databaseId, given, acting, signal) {
      const toRecord = ({ id, documentId, vector }: (typeof given)[number]) => ({
        id,
        vector: Array.from(vector),
        metadata: { documentId },
      });
      await records.upsertRecords({ databaseId, records: given.map(toRecord) }, options(acting, signal));
    },
    async remove(databaseId, ids, acting, signal) {
      await records.deleteRecords({ databaseId, ids: [...ids] }, options(acting, signal));
    },
    async query(databaseId, { vector, topK, filter }, acting, signal) {
      const { hits } = await records.queryRecords(
        {
          databaseId,
          vector: Array.from(vector),
          topK,
          filter: filter && toFilter(filter),
          includeMetadata: false,
          readPolicy: Database_ReadPolicy.READ_POLICY_UNSPECIFIED,
        },
        options(acting, signal),
      );
      return hits.map(({ id, score }) => ({ id, score }));
    },
    async setDocumentCount(databaseId, documentCount, revision, acting, signal) {
      await databases.setDocumentCount({ databaseId, documentCount, revision }, options(acting, signal));
    },
  };
}

function options(acting: Acting, signal: AbortSignal): CallOptions {
  return { headers: forwardHeaders(acting), signal };
}

function toFilter(filter: Filter) {
  return fromJson(FilterSchema, toJson(filter));
}

function toJson(filter: Filter): JsonObject {
  if ('and' in filter) return { and: filter.and.map(toJson) };
  if ('or' in filter) return { or: filter.or.map(toJson) };
  if ('not' in filter) return { not: toJson(filter.not) };
  const { field, op, value } = filter;
  return { field, op: op.toUpperCase(), value: Array.isArray(value) ? [...value] : (value as string) };
}
