import {
  compareHits,
  type Hit,
  type HybridRequest,
  type Metric,
  type QueryRequest,
  type StoredRecord,
  scoreOfCosine,
  scoreOfDot,
  scoreOfSquaredDistance,
  type Vector,
  wordsOf,
} from '@morag/connectors-core';
import type { Session } from './pgvector.database.ts';
import { Parameters, toSql } from './pgvector.filter.ts';
import { CANDIDATES_PER_HIT, type PgvectorOptions } from './pgvector.options.ts';
import { columns, type RecordRow, toRecord, vectorText } from './pgvector.records.ts';
import type { Settings } from './pgvector.statement.ts';
import { DOCUMENT_WORDS, OPERATORS, type PgvectorTable } from './pgvector.tables.ts';

/** The server's own bound of `hnsw.ef_search`. */
const EF_SEARCH_MAX = 1_000;

interface HitRow extends RecordRow {
  readonly distance: number;
  readonly oid: string;
}

/** The table is another one than the one that was asked for: it was dropped and made again. */
export class TableReplaced extends Error {}

/**
 * Settings for one search. Without iterative scans the index gives up after its first candidates, and a narrow filter
 * finds nothing: 0 of 10 hits were measured where 2 % of the rows matched.
 */
export function searchSettings(topK: number, { hnsw }: PgvectorOptions): Settings {
  return {
    'hnsw.iterative_scan': 'strict_order',
    'hnsw.ef_search': Math.min(EF_SEARCH_MAX, Math.max(hnsw.efSearch, topK * CANDIDATES_PER_HIT)),
  };
}

/** Compares with every vector. */
export const EXACT_SETTINGS = { enable_indexscan: 'off' } as const;

export async function queryRows(
  session: Session,
  table: PgvectorTable,
  request: QueryRequest & { readonly vector: Vector },
): Promise<readonly Hit[]> {
  const { vector, topK, filter, id: self, minScore = 0, include = {} } = request;
  const parameters = new Parameters();
  const from = parameters.add(vectorText(vector), 'vector');
  const distance = `embedding ${OPERATORS[table.metric].operator} ${from}`;
  const conditions = [toSql(filter, parameters)];
  if (self !== undefined) conditions.push(`id <> ${parameters.add(self, 'text')}`);
  // The bare operator in ascending order is what the index serves.
  const text = `
    SELECT ${columns(include)}, ${distance} AS distance, tableoid::int8::text AS oid
    FROM ${table.qualified} WHERE ${conditions.join(' AND ')} ORDER BY ${distance} LIMIT ${topK}`;
  const rows = await session.query<HitRow>({ text, values: parameters.values });
  if (rows[0] && Number(rows[0].oid) !== table.oid) throw new TableReplaced();
  return rows
    .map((row) => ({ ...toRecord(row), score: scoreOf(table.metric, row.distance), rawScore: row.distance }))
    .filter((hit) => hit.score >= minScore)
    .sort(compareHits);
}

/** The records whose documents have any of the words, by PostgreSQL's rank. */
export async function queryRowsByWords(
  session: Session,
  { qualified }: PgvectorTable,
  { text, filter, include = {} }: HybridRequest,
  limit: number,
): Promise<readonly StoredRecord[]> {
  const words = wordsOf(text);
  if (words.length === 0) return [];
  const parameters = new Parameters();
  // Of letters and digits alone: nothing in a word has a meaning of its own.
  const query = parameters.add(words.map((word) => `'${word}'`).join(' | '), 'text');
  const where = toSql(filter, parameters);
  const rows = await session.query<RecordRow>({
    text: `
      SELECT ${columns(include)} FROM ${qualified}, to_tsquery('simple', ${query}) AS query
      WHERE ${DOCUMENT_WORDS} @@ query AND ${where}
      ORDER BY ts_rank(${DOCUMENT_WORDS}, query, 1) DESC, id LIMIT ${limit}`,
    values: parameters.values,
  });
  return rows.map(toRecord);
}

/** pgvector's distances: 1-cosine, the Euclidean one itself, and the negated dot product. */
function scoreOf(metric: Metric, distance: number): number {
  switch (metric) {
    case 'cosine':
      return scoreOfCosine(1 - distance);
    case 'euclidean':
      return scoreOfSquaredDistance(distance * distance);
    case 'dot':
      return scoreOfDot(-distance);
  }
}
