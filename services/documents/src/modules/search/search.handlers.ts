import { create, type JsonObject, toJson } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  SearchRequest_Mode,
  type SearchResponse_Hit,
  SearchResponse_HitSchema,
  type SearchService,
} from '@morag/gen/morag/documents/v1/search_service_pb.ts';
import { FilterSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import type { ActingFor } from '../../acting.ts';
import type { SearchMode } from '../../search/hit.ts';
import { toPosition } from '../document/document.messages.ts';
import { type SearchParts, type SearchResult, searchDocuments } from './search-documents.ts';

const TOP_K_DEFAULT = 10;

/** SearchService over its use case. */
export function searchHandlers(
  parts: SearchParts & { readonly actingFor: ActingFor },
): ServiceImpl<typeof SearchService> {
  return {
    async search(request, context) {
      const input = {
        databaseId: request.databaseId,
        query: request.query,
        topK: request.topK || TOP_K_DEFAULT,
        filter: request.filter && toJson(FilterSchema, request.filter),
        minScore: request.minScore,
        mode: modeOf(request.mode),
        vectorWeight: request.vectorWeight,
      };
      const result = await searchDocuments(parts, input, await parts.actingFor(context), context.signal);
      return {
        hits: result.hits.map(toHit),
        degraded: result.degraded !== undefined,
        degradedReason: result.degraded ?? '',
      };
    },
  };
}

function modeOf(mode: SearchRequest_Mode): SearchMode {
  if (mode === SearchRequest_Mode.VECTOR) return 'VECTOR';
  return mode === SearchRequest_Mode.LEXICAL ? 'LEXICAL' : 'HYBRID';
}

function toHit({ score, passage }: SearchResult['hits'][number]): SearchResponse_Hit {
  return create(SearchResponse_HitSchema, {
    score,
    text: passage.text,
    document: {
      id: passage.documentId,
      name: passage.documentName,
      version: passage.documentVersion,
      title: passage.documentTitle,
    },
    position: toPosition(passage),
    metadata: passage.metadata as JsonObject,
    chunkId: passage.id,
  });
}
