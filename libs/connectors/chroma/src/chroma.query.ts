import {
  compareHits,
  type Hit,
  type Include,
  type Metric,
  matches,
  plainVector,
  type QueryRequest,
  scoreOfCosine,
  scoreOfDot,
  scoreOfSquaredDistance,
  type Vector,
} from '@morag/connectors-core';
import type { Collection, IncludeEnum } from 'chromadb';
import { type ChromaFilter, toChromaFilter } from './chroma.filter.ts';
import { fromNative } from './chroma.metadata.ts';
import { included, toRecord } from './chroma.records.ts';

/** How many more candidates each round asks for when a filter is completed here. */
const GROWTH = 4;
const CANDIDATES_MIN = 100;

/** The nearest records. A filter that the server cannot evaluate is completed here, asking for ever more candidates. */
export async function queryRecords(
  collection: Collection,
  metric: Metric | null,
  vector: Vector,
  request: QueryRequest,
): Promise<readonly Hit[]> {
  const from = { metric, vector: plainVector(vector) };
  const filter = toChromaFilter(request.filter);
  if (filter.none) return [];
  // The record that a query by id starts from is among its own nearest.
  const wanted = request.topK + (request.id === undefined ? 0 : 1);
  let candidates = filter.exact ? wanted : Math.max(CANDIDATES_MIN, wanted * GROWTH);
  for (;;) {
    const { hits, seen } = await nearest(collection, from, request, filter, candidates);
    if (filter.exact || hits.length >= request.topK || seen < candidates) return hits.slice(0, request.topK);
    candidates *= GROWTH;
  }
}

async function nearest(
  collection: Collection,
  { metric, vector }: { metric: Metric | null; vector: number[] },
  request: QueryRequest,
  { where, exact }: ChromaFilter,
  candidates: number,
): Promise<{ hits: Hit[]; seen: number }> {
  const { filter, id: self, minScore = 0 } = request;
  const include: Include = request.include ?? {};
  const always = exact ? ['distances'] : ['distances', 'metadatas'];
  const answer = await collection.query({
    queryEmbeddings: [vector],
    nResults: candidates,
    where,
    include: included(include, always as IncludeEnum[]),
  });
  const [ids = []] = answer.ids;
  const columns = {
    ids,
    embeddings: answer.embeddings[0] as number[][] | undefined,
    metadatas: answer.metadatas[0],
    documents: answer.documents[0],
  };
  const hits: Hit[] = [];
  for (const [index, id] of ids.entries()) {
    const rawScore = answer.distances[0]?.[index] ?? Number.NaN;
    const score = scoreOf(metric, rawScore);
    if (id === self || !(score >= minScore)) continue;
    if (filter && !exact && !matches(filter, fromNative(columns.metadatas?.[index]))) continue;
    hits.push({ ...toRecord(columns, index, id, include), score, rawScore });
  }
  return { hits: hits.sort(compareHits), seen: ids.length };
}

/** The server's distances: 1-cosine, 1-dot, and the square of the Euclidean one. */
function scoreOf(metric: Metric | null, distance: number): number {
  switch (metric) {
    case 'cosine':
      return scoreOfCosine(1 - distance);
    case 'dot':
      return scoreOfDot(1 - distance);
    default:
      return scoreOfSquaredDistance(distance);
  }
}
