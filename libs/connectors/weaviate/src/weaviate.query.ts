import {
  compareHits,
  type Filter,
  type Hit,
  type HybridHit,
  type HybridRequest,
  type Include,
  type Metric,
  matches,
  type QueryRequest,
  scoreOfCosine,
  scoreOfDot,
  scoreOfSquaredDistance,
  uuidOfId,
  type Vector,
  wordsOf,
} from '@morag/connectors-core';
import type { WeaviateCollection } from './weaviate.collections.ts';
import { toWeaviateFilter } from './weaviate.filter.ts';
import { hybrid, nearVector, type SearchResult, type WeaviateFilter, wantedMetadata } from './weaviate.messages.ts';
import { TEXT } from './weaviate.properties.ts';
import { chunks, matchingIds, toRecord, wantedOf, whereUuid } from './weaviate.records.ts';
import type { WeaviateSession } from './weaviate.wire.ts';

/** The server's QUERY_MAXIMUM_RESULTS. */
const CANDIDATES_MAX = 10_000;
/** How many more candidates each round asks for when a filter is completed here. */
const GROWTH = 4;
const CANDIDATES_MIN = 100;
/** Ids that one search is restricted to. */
const IDS_MAX = 2_000;

/** One query and what it needs. */
export interface WeaviateQuery {
  readonly session: WeaviateSession;
  readonly collection: WeaviateCollection;
  readonly vector: Vector;
  readonly request: QueryRequest;
}

/** The nearest records. A filter that the server cannot evaluate is completed here, asking for ever more candidates. */
export async function queryRecords(query: WeaviateQuery): Promise<readonly Hit[]> {
  const { topK, id, filter } = query.request;
  const { none, where, exact } = toWeaviateFilter(filter, query.collection);
  if (none) return [];
  // The record that a query by id starts from is among its own nearest.
  const wanted = topK + (id === undefined ? 0 : 1);
  if (exact) return (await nearest(query, where, wanted)).hits.slice(0, topK);
  let candidates = Math.min(CANDIDATES_MAX, Math.max(CANDIDATES_MIN, wanted * GROWTH));
  for (;;) {
    const { hits, seen } = await nearest(query, where, candidates, filter);
    if (hits.length >= topK || seen < candidates) return hits.slice(0, topK);
    if (candidates === CANDIDATES_MAX) return nearestOfMatching(query, wanted);
    candidates = Math.min(CANDIDATES_MAX, candidates * GROWTH);
  }
}

/** Those of the matching records, found one by one: the matches lie beyond what the server returns. */
async function nearestOfMatching(query: WeaviateQuery, wanted: number): Promise<readonly Hit[]> {
  const { session, collection, request } = query;
  const ids = await matchingIds(session, collection, request.filter);
  const hits: Hit[] = [];
  for (const part of chunks(ids.map(uuidOfId), IDS_MAX)) {
    hits.push(...(await nearest(query, whereUuid(part), wanted)).hits);
  }
  return hits.sort(compareHits).slice(0, request.topK);
}

async function nearest(
  { session, collection, vector, request }: WeaviateQuery,
  filters: WeaviateFilter | undefined,
  limit: number,
  completed?: Filter,
): Promise<{ hits: Hit[]; seen: number }> {
  const { id: self, minScore = 0, include = {} } = request;
  const { results } = await session.nearest(collection.target, {
    nearVector: nearVector(collection.vectorName, vector),
    limit,
    filters,
    metadata: wantedMetadata({ vector: include.vector, distance: true }),
    properties: wantedOf(collection, completed ? { ...include, metadata: true } : include),
  });
  const hits: Hit[] = [];
  for (const result of results) {
    const rawScore = result.metadata?.distance ?? Number.NaN;
    const score = scoreOf(collection.metric, rawScore);
    const record = picked(result, include, completed);
    if (record && record.id !== self && score >= minScore) hits.push({ ...record, score, rawScore });
  }
  return { hits: hits.sort(compareHits), seen: results.length };
}

/** The record, if it keeps a filter that is completed here. */
function picked(result: SearchResult, include: Include, completed: Filter | undefined) {
  if (completed && !matches(completed, toRecord(result, { metadata: true }).metadata)) return undefined;
  return toRecord(result, include);
}

/** Mixed by the server, out of relative scores; both it and `vectorWeight` go from 0, words alone, to 1. */
export async function hybridRecords(
  session: WeaviateSession,
  collection: WeaviateCollection,
  request: HybridRequest,
): Promise<readonly HybridHit[]> {
  const { topK, filter, vector, text, vectorWeight = 0.5, include = {} } = request;
  const words = wordsOf(text).join(' ');
  // The server refuses a text without words.
  if (words === '' || vectorWeight === 1) {
    if (vectorWeight === 0) return [];
    const hits = await queryRecords({ session, collection, vector, request: { vector, topK, filter, include } });
    return hits.map(({ rawScore: _, ...hit }) => hit);
  }
  const { none, where, exact } = toWeaviateFilter(filter, collection);
  if (none) return [];
  const { results } = await session.hybrid(collection.target, {
    hybridSearch: hybrid(collection.vectorName, vector, {
      query: words,
      properties: collection.createdByUs ? [TEXT] : [],
      alpha: vectorWeight,
    }),
    limit: exact ? topK : CANDIDATES_MAX,
    filters: where,
    metadata: wantedMetadata({ vector: include.vector, score: true }),
    properties: wantedOf(collection, exact ? include : { ...include, metadata: true }),
  });
  return results
    .flatMap((result) => {
      const record = picked(result, include, exact ? undefined : filter);
      return record ? [{ ...record, score: Math.min(1, Math.max(0, result.metadata?.score ?? 0)) }] : [];
    })
    .sort(compareHits)
    .slice(0, topK);
}

/** The server's distances: 1-cosine, -dot, and the square of the Euclidean one. */
function scoreOf(metric: Metric | null, distance: number): number {
  switch (metric) {
    case 'cosine':
      return scoreOfCosine(1 - distance);
    case 'dot':
      return scoreOfDot(-distance);
    default:
      return scoreOfSquaredDistance(distance);
  }
}
