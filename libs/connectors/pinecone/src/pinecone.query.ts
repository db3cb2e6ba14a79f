import {
  compareHits,
  exactScore,
  type Hit,
  type Metric,
  matches,
  type QueryRequest,
  scoreOfCosine,
  scoreOfDot,
  scoreOfSquaredDistance,
  type Vector,
} from '@morag/connectors-core';
import type { ScoredPineconeRecord } from '@pinecone-database/pinecone';
import type { PineconeCall } from './pinecone.access.ts';
import { hasStatus } from './pinecone.errors.ts';
import { type Clause, narrowed, type PineconeFilter, toPineconeFilter } from './pinecone.filter.ts';
import { isHashed } from './pinecone.ids.ts';
import { fromNative } from './pinecone.metadata.ts';
import { PINECONE_CAPABILITIES } from './pinecone.options.ts';
import { fetchNative, storedVector, toRecord } from './pinecone.records.ts';
import { eachPage } from './pinecone.scan.ts';

/** How many more candidates each round asks for when a filter is completed here. */
const GROWTH = 4;
const CANDIDATES_MIN = 100;
const CANDIDATES_MAX = PINECONE_CAPABILITIES.maxTopK;

/**
 * The nearest records. A filter that the server cannot evaluate is completed here, asking for ever more candidates.
 * With `only`, of the nearest records alone that keep this clause: as many as the server gives.
 */
export async function queryRecords(
  on: PineconeCall,
  vector: Vector,
  request: QueryRequest,
  only?: Clause,
): Promise<readonly Hit[]> {
  const { topK, id } = request;
  const asked = toPineconeFilter(request.filter);
  if (asked.none) return [];
  const filter = only ? narrowed(asked, only) : asked;
  // The record that a query by id starts from is among its own nearest.
  const wanted = Math.min(CANDIDATES_MAX, topK + (id === undefined ? 0 : 1));
  let candidates = filter.exact ? wanted : Math.min(CANDIDATES_MAX, Math.max(CANDIDATES_MIN, wanted * GROWTH));
  for (;;) {
    const { hits, seen } = await nearest(on, vector, request, filter, candidates);
    if (filter.exact || hits.length >= topK || seen < candidates) return hits.slice(0, topK);
    if (candidates === CANDIDATES_MAX) return only ? hits : compareAll(on, vector, request);
    candidates = Math.min(CANDIDATES_MAX, candidates * GROWTH);
  }
}

async function nearest(
  on: PineconeCall,
  vector: Vector,
  request: QueryRequest,
  { where, exact }: PineconeFilter,
  candidates: number,
): Promise<{ hits: Hit[]; seen: number }> {
  const { filter, id: self, minScore = 0, include = {} } = request;
  const includeValues = include.vector === true;
  const includeMetadata = !exact || includeValues || include.metadata !== false || include.document !== false;
  const { values } = storedVector(vector, on.call);
  const found = await ask(on, { vector: values, topK: candidates, filter: where, includeValues, includeMetadata });
  const hits: Hit[] = [];
  for (const match of found) {
    const rawScore = match.score ?? Number.NaN;
    const score = scoreOf(on.index.metric, rawScore);
    if (!(score >= minScore) || (filter && !exact && !matches(filter, fromNative(match.metadata)))) continue;
    const record = toRecord(on, match, include);
    if (record.id !== self) hits.push({ ...record, score, rawScore });
  }
  return { hits: hits.sort(compareHits), seen: found.length };
}

interface Question {
  readonly vector: number[];
  readonly topK: number;
  readonly filter?: object;
  readonly includeValues: boolean;
  readonly includeMetadata: boolean;
}

/**
 * An answer may be of 4 MB at most, and what it would take is known to the server alone: an answer refused is asked for
 * again as bare ids, and the records are fetched.
 */
async function ask(on: PineconeCall, question: Question): Promise<readonly ScoredPineconeRecord[]> {
  const handle = on.session.index(on.index.host);
  const { includeValues, includeMetadata } = question;
  if (includeMetadata) {
    try {
      return (await handle.query({ ...question })).matches;
    } catch (error) {
      if (!hasStatus(error, 400) && !hasStatus(error, 413)) throw error;
    }
  }
  const { matches: bare } = await handle.query({ ...question, includeValues: false, includeMetadata: false });
  const lacking = includeMetadata || includeValues ? bare : bare.filter(({ id }) => isHashed(id));
  if (lacking.length === 0) return bare;
  const found = await fetchNative(
    on,
    lacking.map(({ id }) => id),
  );
  // One that was deleted in between is no match any more.
  return bare.flatMap((match) => {
    const record = found.get(match.id);
    if (record) return [{ ...record, score: match.score }];
    return lacking.includes(match) ? [] : [match];
  });
}

/** What lies beyond the server's 10,000 candidates: every record that may match is read and compared here. */
async function compareAll(on: PineconeCall, vector: Vector, request: QueryRequest): Promise<readonly Hit[]> {
  const { filter, topK, id: self, minScore = 0, include = {} } = request;
  const metric = on.index.metric ?? 'cosine';
  let best: Hit[] = [];
  for await (const page of eachPage(on, { filter, whole: true })) {
    for (const native of page) {
      const { vector: stored, ...rest } = toRecord(on, native, { ...include, vector: true });
      const score = exactScore(metric, vector, stored ?? []);
      if (rest.id === self || score < minScore) continue;
      best.push({ ...rest, vector: include.vector ? stored : undefined, score, rawScore: rawScoreOf(metric, score) });
    }
    best = best.sort(compareHits).slice(0, topK);
  }
  return best;
}

/** The server's own figures: the cosine, the inner product, and the square of the Euclidean distance. */
function scoreOf(metric: Metric | null, figure: number): number {
  switch (metric) {
    case 'euclidean':
      return scoreOfSquaredDistance(figure);
    case 'dot':
      return scoreOfDot(figure);
    default:
      return scoreOfCosine(figure);
  }
}

function rawScoreOf(metric: Metric, score: number): number {
  switch (metric) {
    case 'euclidean':
      return 1 / score - 1;
    case 'dot':
      return Math.tan((score - 0.5) * Math.PI);
    case 'cosine':
      return 2 * score - 1;
  }
}
