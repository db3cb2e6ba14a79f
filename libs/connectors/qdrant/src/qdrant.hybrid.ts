import {
  ConnectorError,
  compareHits,
  fuse,
  fusedQuery,
  type HybridHit,
  type HybridRequest,
  plainVector,
} from '@morag/connectors-core';
import type { OnCollection } from './qdrant.access.ts';
import { numberOf, parsePoints } from './qdrant.answers.ts';
import { WORDS_VECTOR } from './qdrant.collections.ts';
import { type QdrantFilter, toQdrantFilter } from './qdrant.filter.ts';
import { QDRANT_CAPABILITIES } from './qdrant.options.ts';
import { queryRecords, sdkFilter, searchParams, searchRecords } from './qdrant.query.ts';
import { toRecord, wanted } from './qdrant.records.ts';
import { queryWords, type SparseVector } from './qdrant.words.ts';

/** Dampens the first ranks as in the paper on reciprocal rank fusion: the server counts ranks from 0. */
const RANK_CONSTANT = 61;
const EVEN = 0.5;
/** Points that each leg gives. */
const DEPTH_FACTOR = 4;
const DEPTH_MIN = 50;

/**
 * By vector and by words. The server itself fuses the two orders; only where it cannot evaluate the filter, each is
 * completed here and they are fused as for the vendors that cannot.
 */
export async function hybridRecords(on: OnCollection, request: HybridRequest): Promise<readonly HybridHit[]> {
  const { info, call } = on;
  if (!info.words)
    throw new ConnectorError('unsupported', call, 'The documents of this collection are not indexed by words.');
  const { vector, text, topK, filter, include, vectorWeight = EVEN } = request;
  const words = queryWords(text);
  const byVector = (depth: number) => queryRecords(on, { vector, topK: depth, filter, include });
  const byWords = async (depth: number) =>
    words
      ? searchRecords(on, {
          query: words,
          using: WORDS_VECTOR,
          topK: depth,
          filter,
          include,
          scoreOf: (raw) => raw ?? Number.NaN,
        })
      : [];
  if (vectorWeight === 1 || (!words && vectorWeight > 0)) {
    return fuse({ byVector: await byVector(topK), byWords: [], vectorWeight, topK });
  }
  if (!words || vectorWeight === 0) return fuse({ byVector: [], byWords: await byWords(topK), vectorWeight, topK });
  const native = toQdrantFilter(filter, info.createdByUs);
  if (native.none) return [];
  if (native.exact) return fusedByServer(on, { ...request, vectorWeight }, words, native);
  return fusedQuery(request, { topKMax: QDRANT_CAPABILITIES.maxTopK }, { byVector, byWords });
}

async function fusedByServer(
  { wire, call, info, options }: OnCollection,
  { vector, topK, include = {}, vectorWeight = EVEN }: HybridRequest,
  words: SparseVector,
  { clause }: QdrantFilter,
): Promise<readonly HybridHit[]> {
  const leg = {
    filter: clause && sdkFilter(clause),
    limit: Math.min(QDRANT_CAPABILITIES.maxTopK, Math.max(DEPTH_MIN, topK * DEPTH_FACTOR)),
  };
  // A weight stretches the ranks of its leg; 1 and 1 are what the server takes when it is given none. The best score
  // there can be is that of the first place in both.
  const weights = [2 * vectorWeight, 2 * (1 - vectorWeight)];
  const best = weights.reduce((sum, weight) => sum + 1 / (1 / weight + RANK_CONSTANT - 1), 0);
  const request = {
    collection_name: info.nativeName,
    consistency: options.readConsistency,
    prefetch: [
      { ...leg, query: plainVector(vector), using: info.vectorName, params: searchParams(options) },
      { ...leg, query: words, using: WORDS_VECTOR },
    ],
    query: { rrf: { k: RANK_CONSTANT, ...(vectorWeight !== EVEN && { weights }) } },
    limit: topK,
    ...wanted(info, include),
  };
  const body = await wire.ask(call, (api, init) => api.queryPoints(request, init));
  return parsePoints(body, call, 'points')
    .map((point) => {
      const score = Math.min(1, Math.max(0, (numberOf(point.score) ?? 0) / best));
      return { ...toRecord(point, info, include), score };
    })
    .sort(compareHits);
}
