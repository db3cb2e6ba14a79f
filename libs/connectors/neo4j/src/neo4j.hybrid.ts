import {
  fusedQuery,
  type HybridHit,
  type HybridRequest,
  rankByWords,
  type StoredRecord,
  wordsOf,
} from '@morag/connectors-core';
import { wordIndexName } from './neo4j.collections.ts';
import { integer } from './neo4j.database.ts';
import { Parameters, toCypher } from './neo4j.filter.ts';
import { NEO4J_CAPABILITIES } from './neo4j.options.ts';
import { queryRecords } from './neo4j.query.ts';
import { columns, matchRecords, type On, type RecordRow, toRecord } from './neo4j.records.ts';

/** Records with a word that are read to be ranked here, where there is no index that ranks them. */
const CANDIDATES_MAX = 1_000;

/** Neo4j has no query by both. Its word index is found by vectors no more than its vector index by words. */
export function hybridRecords(
  on: On,
  request: HybridRequest,
  index: { readonly candidates: number },
): Promise<readonly HybridHit[]> {
  const { vector, filter, include } = request;
  return fusedQuery(
    request,
    { topKMax: NEO4J_CAPABILITIES.maxTopK },
    {
      byVector: (topK) => queryRecords(on, { vector, topK, filter, include }, index),
      byWords: (depth) => {
        const words = wordsOf(request.text);
        if (words.length === 0) return Promise.resolve([]);
        return on.collection.hasWordIndex
          ? byWordIndex(on, request, words, depth)
          : byReading(on, request, words, depth);
      },
    },
  );
}

/** In the order of the index, which is by BM25. */
async function byWordIndex(
  { database, call, collection }: On,
  { filter, include = {} }: HybridRequest,
  words: readonly string[],
  depth: number,
): Promise<readonly StoredRecord[]> {
  const parameters = new Parameters();
  const where = toCypher(filter, parameters);
  if (where === undefined) return [];
  const rows = await database.read<RecordRow>(call, {
    text: `
      CYPHER replan=skip CALL db.index.fulltext.queryNodes($index, $query) YIELD node AS n, score
      WITH n, score WHERE ${where} WITH n, score ORDER BY score DESC, n.id LIMIT $depth
      RETURN ${columns(include)}`,
    values: {
      ...parameters.values,
      index: wordIndexName(collection.nativeName),
      // In lower case and of letters and digits alone: nothing in a word has a meaning of its own.
      query: words.join(' OR '),
      depth: integer(depth),
    },
  });
  return rows.map(toRecord);
}

/** Reads every document. Each word for itself: the few that have the rare one are not lost among the others. */
async function byReading(
  { database, call, collection }: On,
  { text, filter, include = {} }: HybridRequest,
  words: readonly string[],
  depth: number,
): Promise<readonly StoredRecord[]> {
  const matching = matchRecords(collection, filter);
  if (!matching) return [];
  const found = await Promise.all(
    words.map((word) =>
      database.read<RecordRow>(call, {
        text: `
          ${matching.text} AND toLower(n.document) CONTAINS $word
          RETURN ${columns({ ...include, document: true })} LIMIT $most`,
        values: { ...matching.values, word, most: integer(CANDIDATES_MAX) },
      }),
    ),
  );
  const candidates = new Map(found.flat().map((row): [string, StoredRecord] => [row.id, toRecord(row)]));
  const ranked = rankByWords(text, [...candidates.values()]).slice(0, depth);
  return include.document === false ? ranked.map((record) => ({ ...record, document: undefined })) : ranked;
}
