import {
  compareHits,
  type Hit,
  type Include,
  plainVector,
  type QueryRequest,
  type Vector,
} from '@morag/connectors-core';
import { integer } from './neo4j.database.ts';
import { Parameters, toCypher } from './neo4j.filter.ts';
import { columns, matchRecords, type On, type RecordRow, toRecord } from './neo4j.records.ts';

/** How many more than wanted the index is asked for, since what it finds is about the nearest. */
const DEPTH_FACTOR = 2;
/** Of an index, as Neo4j bounds it. */
const DEPTH_MAX = 100_000;

interface HitRow extends RecordRow {
  readonly score: number;
}

type VectorQuery = QueryRequest & { readonly vector: Vector };

/** The nearest records by the index, or, where that leaves out some that match, by comparing with every one that does. */
export async function queryRecords(
  on: On,
  request: VectorQuery,
  { candidates }: { readonly candidates: number },
): Promise<readonly Hit[]> {
  const { topK, exact, minScore = 0 } = request;
  const rows = exact ? undefined : await byIndex(on, request, candidates);
  // Neo4j filters what the index has found: too few may be all that match, or all that were among the candidates.
  const nearest = rows && rows.length >= topK ? rows : await byComparison(on, request);
  return nearest
    .map(({ score, ...row }) => ({ ...toRecord(row), score, rawScore: score }))
    .filter((hit) => hit.score >= minScore)
    .sort(compareHits);
}

/** Those of the index's candidates that match. */
async function byIndex({ database, call, collection }: On, request: VectorQuery, candidates: number) {
  const { vector, topK, filter, id: self = '', include = {} } = request;
  const parameters = new Parameters();
  const where = toCypher(filter, parameters);
  if (where === undefined) return [];
  return database.read<HitRow>(call, {
    text: `
      CYPHER replan=skip CALL db.index.vector.queryNodes($index, $depth, $vector) YIELD node AS n, score
      WITH n, score WHERE n.id <> $self AND ${where}
      ${bestOf('score', include)}`,
    values: {
      ...parameters.values,
      index: collection.nativeName,
      depth: integer(Math.min(DEPTH_MAX, Math.max(candidates, topK * DEPTH_FACTOR))),
      vector: plainVector(vector),
      self,
      topK: integer(topK),
    },
  });
}

/** Of all that match. */
async function byComparison({ database, call, collection }: On, request: VectorQuery) {
  const { vector, topK, filter, id: self = '', include = {} } = request;
  const matching = matchRecords(collection, filter);
  if (!matching) return [];
  return database.read<HitRow>(call, {
    text: `
      ${matching.text} AND n.id <> $self
      ${bestOf(`vector.similarity.${collection.metric}(n.embedding, $vector)`, include)}`,
    values: { ...matching.values, vector: plainVector(vector), self, topK: integer(topK) },
  });
}

/** Neo4j's scores are the uniform ones already. */
function bestOf(score: string, include: Include): string {
  return `WITH n, ${score} AS score ORDER BY score DESC, n.id LIMIT $topK RETURN score, ${columns(include)}`;
}
