import { type Filter, FilterError, parseFilter } from '@morag/connectors-core';
import type { Embedder } from '@morag/embedder';
import { DomainError } from '@morag/errors';
import { fuse } from '../../search/fuse.ts';
import type { LegHit, SearchMode } from '../../search/hit.ts';
import { searchLexical } from '../../search/search-lexical.ts';
import type { Acting, TargetDatabase } from '../../servers/servers.port.ts';
import { requireSameEmbedding, requireSameModelAsBefore } from '../document/embedding-identity.ts';
import { languageWeights } from './language-weights.ts';
import { chooseLegs, type Legs, runLeg } from './legs.ts';
import { metadataCondition } from './metadata-condition.ts';
import { entryCondition, type Passage, readPassages } from './passage.store.ts';
import { type VectorLegParts, vectorLeg } from './vector-leg.ts';

/** What a search needs. */
export interface SearchParts extends VectorLegParts {
  readonly embedder: Embedder;
}

/** See searchDocuments. */
export interface SearchInput {
  readonly databaseId: string;
  readonly query: string;
  readonly topK: number;
  /** As it came: see `parseFilter`. */
  readonly filter: unknown;
  readonly minScore: number | undefined;
  readonly mode: SearchMode;
  readonly vectorWeight: number | undefined;
}

/** What was found. */
export interface SearchResult {
  readonly hits: readonly { readonly score: number; readonly passage: Passage }[];
  /** Which leg could not answer, and why; undefined when both could. */
  readonly degraded: string | undefined;
}

/** Candidates a leg brings: the scores of both are only comparable over many more than are shown. */
const DEPTH_MIN = 100;
const DEPTH_PER_HIT = 5;
/** A vector leg that takes longer counts as down, so that the lexical one answers within the caller's patience. */
const VECTOR_MS_MAX = 5_000;

/** The passages that answer a question best. As long as one leg answers, its answer is given, and `degraded` says so. */
export async function searchDocuments(
  parts: SearchParts,
  input: SearchInput,
  acting: Acting,
  signal: AbortSignal,
): Promise<SearchResult> {
  const { databaseId, topK, mode } = input;
  const filter = input.filter === undefined ? undefined : readFilter(input.filter);
  const condition = filter && metadataCondition(filter, 'd.metadata');
  const depth = Math.max(DEPTH_MIN, topK * DEPTH_PER_HIT);
  const byWords = (): Promise<LegHit[]> =>
    searchLexical((sql, params) => parts.db.read(sql, params), {
      databaseId,
      text: input.query,
      k: depth,
      condition: condition && entryCondition(databaseId, condition),
    });
  const byMeaning = async (vector: Promise<Float32Array>): Promise<LegHit[]> =>
    vectorLeg(parts, { databaseId, vector: await vector, depth, wanted: topK, condition }, acting, bounded(signal));
  // All that needs no answer of the servers service begins at once, and is awaited below unless the database is not there.
  const words = mode === 'VECTOR' ? undefined : runLeg(byWords());
  const embedding = mode === 'LEXICAL' ? undefined : embedQuestion(parts, input.query, signal);
  embedding?.catch(() => {});
  const sameModel = embedding && requireSameModelAsBefore(parts.db, databaseId, parts.embedder);
  sameModel?.catch(() => {});
  // First of all: a stranger learns nothing but that there is no such database.
  const database = await parts.servers.database(databaseId, acting, signal);
  await sameModel;
  if (embedding) requireSameEmbedding(database, parts.embedder);
  const [vector, lexical] = await Promise.all([embedding && runLeg(byMeaning(embedding)), words]);
  signal.throwIfAborted();
  const legs = chooseLegs(mode, vector, lexical);
  const ids = [...new Set([...legs.vector, ...legs.lexical].map(({ id }) => id))];
  const passages = await readPassages(parts.db, databaseId, ids, condition);
  return { hits: join(parts.embedder, database, input, legs, passages), degraded: legs.degraded };
}

function readFilter(json: unknown): Filter {
  try {
    return parseFilter(json);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const field = error.path === '' ? 'filter' : `filter.${error.path}`;
    throw new DomainError('INVALID_FILTER', `filter: ${error.message}`, {
      violations: [{ field, description: error.message }],
    });
  }
}

async function embedQuestion({ embedder }: SearchParts, query: string, signal: AbortSignal): Promise<Float32Array> {
  const [vector] = await embedder.embed([query], 'query', bounded(signal));
  if (vector === undefined) throw new Error('the embedder answered no vector');
  return vector;
}

function bounded(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(VECTOR_MS_MAX)]);
}

function join(
  embedder: Embedder,
  database: TargetDatabase,
  input: SearchInput,
  legs: Legs,
  passages: ReadonlyMap<string, Passage>,
): SearchResult['hits'] {
  const isThere = ({ id }: LegHit): boolean => passages.has(id);
  const vectorWeight = input.vectorWeight ?? database.vectorWeight ?? embedder.vectorWeight;
  const weights = languageWeights(embedder, input.query, vectorWeight);
  const fused = fuse(legs.vector.filter(isThere), legs.lexical.filter(isThere), {
    mode: legs.mode,
    vectorWeight,
    vectorWeightOf: (id) => weights(passages.get(id)?.language),
    k: input.topK,
  });
  return fused.flatMap(({ id, score }) => {
    const passage = passages.get(id);
    return passage && score >= (input.minScore ?? 0) ? [{ score, passage }] : [];
  });
}
