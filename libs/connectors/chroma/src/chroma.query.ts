import {
  type Call,
  ConnectorError,
  compareHits,
  type Hit,
  type Metric,
  matches,
  plainVector,
  type QueryRequest,
  scoreOfCosine,
  scoreOfDot,
  scoreOfSquaredDistance,
  type Vector,
} from '@morag/connectors-core';
import type { IncludeEnum } from 'chromadb';
import type { ChromaCollection } from './chroma.collections.ts';
import { type ChromaFilter, toChromaFilter } from './chroma.filter.ts';
import { fromNative } from './chroma.metadata.ts';
import { included, toRecord } from './chroma.records.ts';
import type { ChromaSession } from './chroma.wire.ts';

/** How many more candidates each round asks for when a filter is completed here. */
const GROWTH = 4;
const CANDIDATES_MIN = 100;

/** One query and what it needs. */
export interface ChromaQuery {
  readonly session: ChromaSession;
  readonly call: Call;
  readonly info: ChromaCollection;
  readonly vector: Vector;
  readonly request: QueryRequest;
  /** Only records whose document matches: the server's regular expressions. */
  readonly documentPattern?: string;
}

/** The nearest records. A filter that the server cannot evaluate is completed here, asking for ever more candidates. */
export async function queryRecords(query: ChromaQuery): Promise<readonly Hit[]> {
  const { topK, id } = query.request;
  const filter = toChromaFilter(query.request.filter);
  if (filter.none) return [];
  // The record that a query by id starts from is among its own nearest.
  const wanted = topK + (id === undefined ? 0 : 1);
  let candidates = filter.exact ? wanted : Math.max(CANDIDATES_MIN, wanted * GROWTH);
  for (;;) {
    const { hits, seen } = await nearest(query, filter, candidates);
    if (filter.exact || hits.length >= topK || seen < candidates) return hits.slice(0, topK);
    candidates *= GROWTH;
  }
}

async function nearest(
  { session, call, info, vector, request, documentPattern }: ChromaQuery,
  { where, exact }: ChromaFilter,
  candidates: number,
): Promise<{ hits: Hit[]; seen: number }> {
  const { filter, id: self, minScore = 0, include = {} } = request;
  const always = exact ? ['distances'] : ['distances', 'metadatas'];
  const answer = await session.request('POST', `/collections/${info.uuid}/query`, {
    query_embeddings: [plainVector(vector)],
    n_results: candidates,
    where,
    where_document: documentPattern === undefined ? undefined : { $regex: documentPattern },
    include: included(include, always as IncludeEnum[]),
  });
  const columns = columnsOf(answer, call);
  const hits: Hit[] = [];
  for (const [index, id] of columns.ids.entries()) {
    const rawScore = columns.distances[index] ?? Number.NaN;
    const score = scoreOf(info.metric, rawScore);
    if (id === self || !(score >= minScore)) continue;
    if (filter && !exact && !matches(filter, fromNative(columns.metadatas?.[index]))) continue;
    hits.push({ ...toRecord(columns, index, id, include), score, rawScore });
  }
  return { hits: hits.sort(compareHits), seen: columns.ids.length };
}

/** The answer to the first, and only, of the vectors asked for. */
interface QueryAnswer {
  readonly ids: readonly (readonly string[])[];
  readonly distances: readonly (readonly (number | null)[])[];
  readonly embeddings?: readonly (readonly (readonly number[])[])[] | null;
  readonly metadatas?: readonly (readonly (Readonly<Record<string, unknown>> | null)[])[] | null;
  readonly documents?: readonly (readonly (string | null)[])[] | null;
}

function columnsOf(answer: unknown, call: Call) {
  const { ids, distances, embeddings, metadatas, documents } = (answer ?? {}) as QueryAnswer;
  const [first] = Array.isArray(ids) ? ids : [];
  const [firstDistances] = Array.isArray(distances) ? distances : [];
  if (!Array.isArray(first) || !Array.isArray(firstDistances)) {
    throw new ConnectorError('protocol', call, 'What answers there is not Chroma.');
  }
  return {
    ids: first as readonly string[],
    distances: firstDistances as readonly (number | null)[],
    embeddings: embeddings?.[0],
    metadatas: metadatas?.[0],
    documents: documents?.[0],
  };
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
