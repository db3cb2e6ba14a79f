import { toJson } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import type { Filter, Include } from '@morag/connectors-core';
import { type Filter as FilterMessage, FilterSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import {
  type ImportRecordsRequest,
  RecordService,
  type ScrollRecordsRequest,
} from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { methodName, type PageBinding, type PageTokens } from '@morag/rpc';
import { callOf } from '../../handler-call.ts';
import { readPolicies, writePolicies } from '../database/database.mapper.ts';
import {
  countRecords,
  fetchRecords,
  queryRecords,
  type ReadInput,
  type ReadRecordsDeps,
  type ScrollPosition,
  scrollRecords,
} from './read-records.ts';
import { fromRecordMessage, toHitMessage, toRecordMessage } from './record.mapper.ts';
import { readFilter } from './record-filter.ts';
import { exportRecords, type ImportBatch, importRecords } from './stream-records.ts';
import {
  deleteRecordsByFilter,
  deleteRecordsById,
  upsertRecords,
  type WriteInput,
  type WriteRecordsDeps,
} from './write-records.ts';

/** What the handlers of RecordService work with. */
export interface RecordHandlersDeps extends ReadRecordsDeps, WriteRecordsDeps {
  readonly directory: ReadRecordsDeps['directory'];
  readonly tokens: ReadRecordsDeps['tokens'];
  readonly pageTokens: PageTokens;
}

const TOP_K_DEFAULT = 10;
const SCROLL_PAGE_DEFAULT = 100;

/** Handlers of RecordService. */
export function recordHandlers(deps: RecordHandlersDeps): ServiceImpl<typeof RecordService> {
  return { ...writeHandlers(deps), ...readHandlers(deps), ...streamHandlers(deps) };
}

function writeHandlers(
  deps: RecordHandlersDeps,
): Pick<ServiceImpl<typeof RecordService>, 'upsertRecords' | 'deleteRecords'> {
  return {
    async upsertRecords(request, context) {
      const input = { ...writeInput(request, context), records: request.records.map(fromRecordMessage) };
      const { count, token } = await upsertRecords(deps, input, callOf(context));
      return { upserted: count, token };
    },
    async deleteRecords({ ids, filter, ...request }, context) {
      const input = writeInput(request, context);
      const { count, token } = filter
        ? await deleteRecordsByFilter(deps, { ...input, filter: fromFilter(filter) }, callOf(context))
        : await deleteRecordsById(deps, { ...input, ids }, callOf(context));
      return { deleted: count, token };
    },
  };
}

function readHandlers(
  deps: RecordHandlersDeps,
): Pick<ServiceImpl<typeof RecordService>, 'queryRecords' | 'fetchRecords' | 'countRecords' | 'scrollRecords'> {
  return {
    async queryRecords(request, context) {
      const { vector, topK, filter, minScore, includeVector, includeMetadata = true } = request;
      const input = {
        ...readInput(request, context),
        vector,
        topK: topK || TOP_K_DEFAULT,
        filter: filter && fromFilter(filter),
        minScore,
        include: { vector: includeVector, metadata: includeMetadata, document: includeMetadata },
      };
      const { answer, servedBy, staleness } = await queryRecords(deps, input, callOf(context));
      return { hits: answer.map(toHitMessage), servedBy, staleness };
    },
    async fetchRecords(request, context) {
      const input = { ...readInput(request, context), ids: request.ids, include: whole(request.includeVector) };
      const { answer, servedBy } = await fetchRecords(deps, input, callOf(context));
      return { records: answer.map(toRecordMessage), servedBy };
    },
    async countRecords(request, context) {
      const filter = request.filter && fromFilter(request.filter);
      const { answer } = await countRecords(deps, { ...readInput(request, context), filter }, callOf(context));
      return { count: answer };
    },
    async scrollRecords(request, context) {
      const filter = request.filter && fromFilter(request.filter);
      const binding = scrollBinding(request, filter, context);
      const { answer } = await scrollRecords(
        deps,
        {
          ...readInput(request, context),
          filter,
          include: whole(request.includeVector),
          pageSize: request.pageSize || SCROLL_PAGE_DEFAULT,
          position: deps.pageTokens.decode<ScrollPosition>(binding, request.pageToken),
        },
        callOf(context),
      );
      const nextPageToken = answer.next ? deps.pageTokens.encode(binding, answer.next) : '';
      return { records: answer.records.map(toRecordMessage), nextPageToken };
    },
  };
}

function streamHandlers(
  deps: RecordHandlersDeps,
): Pick<ServiceImpl<typeof RecordService>, 'importRecords' | 'exportRecords'> {
  return {
    async importRecords(requests, context) {
      const scope = ownerScope(requirePrincipal(context));
      const { count, token } = await importRecords(deps, scope, toBatches(requests), callOf(context));
      return { upserted: count, token };
    },
    async *exportRecords({ databaseId, cursor }, context) {
      const principal = requirePrincipal(context);
      const method = methodName(RecordService.method.exportRecords);
      const binding = { caller: principal.userId, method, query: databaseId };
      const position = deps.pageTokens.decode<ScrollPosition>(binding, cursor);
      const input = { scope: ownerScope(principal), databaseId, position };
      for await (const { records, next } of exportRecords(deps, input, callOf(context))) {
        yield { records: records.map(toRecordMessage), cursor: next ? deps.pageTokens.encode(binding, next) : '' };
      }
    },
  };
}

async function* toBatches(requests: AsyncIterable<ImportRecordsRequest>): AsyncGenerator<ImportBatch> {
  for await (const { databaseId, records } of requests) yield { databaseId, records: records.map(fromRecordMessage) };
}

function readInput(
  request: { databaseId: string; token: string; readPolicy?: number; maxStaleness?: number },
  context: HandlerContext,
): ReadInput {
  return {
    scope: ownerScope(requirePrincipal(context)),
    databaseId: request.databaseId,
    token: request.token,
    readPolicy: readPolicies.nameOf(request.readPolicy ?? 0),
    maxStaleness: request.maxStaleness,
  };
}

function writeInput(request: { databaseId: string; writePolicy: number }, context: HandlerContext): WriteInput {
  return {
    scope: ownerScope(requirePrincipal(context)),
    databaseId: request.databaseId,
    writePolicy: writePolicies.nameOf(request.writePolicy),
  };
}

/** Whole records; the vector may be left out. */
function whole(vector = true): Include {
  return { vector, metadata: true, document: true };
}

function fromFilter(filter: FilterMessage): Filter {
  return readFilter(toJson(FilterSchema, filter));
}

function scrollBinding(
  { databaseId }: ScrollRecordsRequest,
  filter: Filter | undefined,
  context: HandlerContext,
): PageBinding {
  const method = methodName(RecordService.method.scrollRecords);
  return { caller: requirePrincipal(context).userId, method, query: [databaseId, filter] };
}
