import {
  compareHits,
  type Filter,
  type Hit,
  type Include,
  type Metric,
  matches,
  noSuchRecord,
  plainVector,
  type QueryRequest,
  scoreOfCosine,
  scoreOfDot,
  scoreOfSquaredDistance,
} from '@morag/connectors-core';
import type { Schemas } from '@qdrant/js-client-rest';
import type { OnCollection } from './qdrant.access.ts';
import { numberOf, parsePoints } from './qdrant.answers.ts';
import { type Clause, type QdrantFilter, toQdrantFilter } from './qdrant.filter.ts';
import { asSdkId, toNativeId } from './qdrant.ids.ts';
import type { QdrantOptions } from './qdrant.options.ts';
import { fromPayload } from './qdrant.payload.ts';
import { toRecord, wanted } from './qdrant.records.ts';
import type { SparseVector } from './qdrant.words.ts';

/** How many more candidates each round asks for when a filter is completed here. */
const GROWTH = 4;
const CANDIDATES_MIN = 100;

/** What is searched for, a vector or a point by its id, and among which vectors. */
export interface Search {
  readonly query: number[] | SparseVector | string | number;
  readonly using: string;
  readonly topK: number;
  readonly filter?: Filter;
  readonly minScore?: number;
  readonly include?: Include;
  readonly exact?: boolean;
  /** The uniform score of what the server says. */
  readonly scoreOf: (rawScore: number | null) => number;
}

/** The nearest records. The record that a query by id starts from is left out by the server. */
export function queryRecords(on: OnCollection, request: QueryRequest): Promise<readonly Hit[]> {
  const { info, call } = on;
  const { vector, id, topK, filter, minScore, include, exact } = request;
  const of = id === undefined ? undefined : toNativeId(id, info.createdByUs);
  const query = vector ? plainVector(vector) : of === undefined ? undefined : asSdkId(of);
  if (query === undefined) throw noSuchRecord(call);
  const scoreOf = (rawScore: number | null) => uniformScore(info.metric, rawScore);
  return searchRecords(on, { query, using: info.vectorName, topK, filter, minScore, include, exact, scoreOf });
}

/** A filter that the server cannot evaluate is completed here, asking for ever more candidates. */
export async function searchRecords(on: OnCollection, search: Search): Promise<readonly Hit[]> {
  const { topK, minScore = 0 } = search;
  const filter = toQdrantFilter(search.filter, on.info.createdByUs);
  if (filter.none) return [];
  let limit = filter.exact ? topK : Math.max(CANDIDATES_MIN, topK * GROWTH);
  for (;;) {
    const { hits, seen, last } = await nearest(on, search, filter, limit);
    // Beyond the last one nothing scores better.
    if (hits.length >= topK || seen < limit || last < minScore) return hits.slice(0, topK);
    limit *= GROWTH;
  }
}

async function nearest(
  { wire, call, info, options }: OnCollection,
  search: Search,
  { clause, exact }: QdrantFilter,
  limit: number,
): Promise<{ hits: Hit[]; seen: number; last: number }> {
  const { filter, minScore = 0, include = {}, scoreOf } = search;
  const request = {
    collection_name: info.nativeName,
    consistency: options.readConsistency,
    query: search.query,
    using: search.using,
    filter: clause && sdkFilter(clause),
    limit,
    params: searchParams(options, search.exact),
    ...wanted(info, include, !exact),
  };
  const body = await wire.ask(call, (api, init) => api.queryPoints(request, init));
  const points = parsePoints(body, call, 'points');
  const hits: Hit[] = [];
  let last = 1;
  for (const point of points) {
    const rawScore = numberOf(point.score);
    const score = scoreOf(rawScore);
    if (!Number.isNaN(score)) last = score;
    if (!(score >= minScore)) continue;
    if (filter && !exact && !matches(filter, fromPayload(point.payload, info.createdByUs))) continue;
    hits.push({ ...toRecord(point, info, include), score, rawScore: rawScore ?? Number.POSITIVE_INFINITY });
  }
  return { hits: hits.sort(compareHits), seen: points.length, last };
}

/** Compressed vectors only choose the candidates; what is found is scored by the original ones. */
export function searchParams({ hnsw, quantization }: QdrantOptions, exact = false) {
  return {
    exact,
    ...(hnsw.efSearch !== undefined && { hnsw_ef: hnsw.efSearch }),
    ...(quantization !== 'none' && { quantization: { rescore: true, oversampling: 2 } }),
  };
}

/** The SDK's types know no readonly lists. */
export function sdkFilter(clause: Clause): Schemas['Filter'] {
  return clause as Schemas['Filter'];
}

/** Null is what the server makes of a number beyond 32 bits: an endless distance, or a vector that is broken. */
function uniformScore(metric: Metric | null, rawScore: number | null): number {
  switch (metric) {
    case 'cosine':
      return rawScore === null ? Number.NaN : scoreOfCosine(rawScore);
    case 'dot':
      return rawScore === null ? Number.NaN : scoreOfDot(rawScore);
    default:
      return rawScore === null ? 0 : scoreOfSquaredDistance(rawScore ** 2);
  }
}
