import { randomBytes } from 'node:crypto';
import {
  type Call,
  type CollectionInfo,
  type CollectionSpec,
  hasCategory,
  METRICS,
  type Metric,
} from '@morag/connectors-core';
import { z } from 'zod';
import { integer, type Neo4jDatabase } from './neo4j.database.ts';
import type { Neo4jOptions } from './neo4j.options.ts';

/** Nodes that each stand for a collection. */
export const COLLECTION = 'MoragCollection';
/** All records of all collections; each also has its collection's own label. */
export const RECORD = 'MoragRecord';
/** Collections whose records are being deleted: their names are free again. */
const DELETED = 'MoragDeleted';

const AWAIT_SECONDS = 300;
const DELETE_ROWS = 5_000;
/** Whoever deletes a collection finishes, after this, what another has begun and left. */
const ABANDONED_MS = 10 * 60_000;

/** A collection as the data calls need it. */
export interface Neo4jCollection extends CollectionInfo {
  readonly dimension: number;
  readonly metric: Metric;
  /** Of the node that stands for it: unique, and so the collection's name in its namespace. */
  readonly key: string;
  readonly hasWordIndex: boolean;
}

const row = z.object({
  key: z.string(),
  name: z.string(),
  label: z.string().regex(/^\w+$/),
  dimension: z.bigint().transform(Number),
  metric: z.enum(METRICS),
  words: z.boolean(),
  state: z.string().nullable(),
});

const STATES: Readonly<Record<string, CollectionInfo['state']>> = {
  ONLINE: 'ready',
  POPULATING: 'building',
  FAILED: 'failed',
};

const RETURN_COLLECTION = `
  RETURN c.key AS key, c.name AS name, c.label AS label, c.dimension AS dimension, c.metric AS metric,
    c.words AS words, state`;

/** The state of an index costs more than all the rest, and only who describes a collection wants it. */
const STATE_OF_INDEX = 'SHOW VECTOR INDEXES YIELD name, state WHERE name = $label RETURN state';

export function collectionKey(namespace: string, name: string): string {
  return JSON.stringify([namespace, name]);
}

/** Collections in the order of their keys, after `after`. */
export async function listCollections(
  database: Neo4jDatabase,
  call: Call,
  { namespace, after, limit }: { namespace: string; after: string; limit: number },
): Promise<Neo4jCollection[]> {
  const rows = await database.read(call, {
    text: `
      MATCH (c:${COLLECTION}) WHERE c.namespace = $namespace AND c.key > $after
      WITH c, null AS state ORDER BY c.key LIMIT $limit ${RETURN_COLLECTION}`,
    values: { namespace, after, limit: integer(limit) },
  });
  return rows.map(toCollection);
}

export async function countCollections(database: Neo4jDatabase, call: Call, namespace: string): Promise<number> {
  const text = `MATCH (c:${COLLECTION}) WHERE c.namespace = $namespace RETURN count(c) AS count`;
  const [found] = await database.read<{ count: bigint }>(call, { text, values: { namespace } });
  return Number(found?.count ?? 0);
}

export async function findCollection(
  database: Neo4jDatabase,
  call: Call,
  key: string,
): Promise<Neo4jCollection | undefined> {
  const text = `MATCH (c:${COLLECTION} {key: $key}) WITH c, null AS state ${RETURN_COLLECTION}`;
  const [found] = await database.read(call, { text, values: { key } });
  return found && toCollection(found);
}

/** As its index is; `failed` where that is gone. */
export async function stateOf(
  database: Neo4jDatabase,
  call: Call,
  { nativeName: label }: Neo4jCollection,
): Promise<CollectionInfo['state']> {
  const [found] = await database.read<{ state: string }>(call, { text: STATE_OF_INDEX, values: { label } });
  return STATES[found?.state ?? 'FAILED'] ?? 'degraded';
}

/** Once a database: what keeps a name, and an id in a collection, from being there twice. */
export async function prepareDatabase(database: Neo4jDatabase, call: Call): Promise<void> {
  for (const label of [COLLECTION, RECORD]) {
    const text = `CREATE CONSTRAINT morag_${label}_key IF NOT EXISTS FOR (n:${label}) REQUIRE n.key IS UNIQUE`;
    await unlessThere(database.write(call, { text }));
  }
}

/**
 * Fails with `already_exists` when the name is taken. The node comes first, since it decides between several who create
 * the same at once; a label that no earlier collection had keeps what is written to the old one by mistake apart.
 */
export async function createCollection(
  database: Neo4jDatabase,
  call: Call,
  spec: CollectionSpec,
  { namespace, wordIndex, index }: Pick<Neo4jOptions, 'namespace' | 'wordIndex' | 'index'>,
): Promise<Neo4jCollection> {
  const { name, dimension, metric } = spec;
  const label = labelOf(name);
  const key = collectionKey(namespace, name);
  const properties = { key, namespace, name, label, dimension: integer(dimension), metric, words: wordIndex };
  await database.write(call, { text: `CREATE (c:${COLLECTION}) SET c = $properties`, values: { properties } });
  const collection = { name, nativeName: label, dimension, metric, key, hasWordIndex: wordIndex };
  await createIndexes(database, call, collection, index);
  return { ...collection, state: 'ready', createdByUs: true };
}

/** Makes what is missing of a collection's indexes, as after a crash while it was created. */
export async function createIndexes(
  database: Neo4jDatabase,
  call: Call,
  collection: Pick<Neo4jCollection, 'nativeName' | 'dimension' | 'metric' | 'hasWordIndex'>,
  { m, efConstruction, quantization }: Neo4jOptions['index'],
): Promise<void> {
  const { nativeName: label, dimension, metric, hasWordIndex } = collection;
  await unlessThere(
    database.write(call, {
      text: `
        CREATE VECTOR INDEX $label IF NOT EXISTS FOR (n:${label}) ON (n.embedding) OPTIONS {indexConfig: {
          \`vector.dimensions\`: $dimension, \`vector.similarity_function\`: $metric,
          \`vector.quantization.enabled\`: $quantization,
          \`vector.hnsw.m\`: $m, \`vector.hnsw.ef_construction\`: $efConstruction}}`,
      values: {
        label,
        dimension: integer(dimension),
        metric,
        quantization,
        m: integer(m),
        efConstruction: integer(efConstruction),
      },
    }),
  );
  const names = [label];
  if (hasWordIndex) {
    const text = `CREATE FULLTEXT INDEX $index IF NOT EXISTS FOR (n:${label}) ON EACH [n.document]`;
    await unlessThere(database.write(call, { text, values: { index: wordIndexName(label) } }));
    names.push(wordIndexName(label));
  }
  const text = 'UNWIND $names AS name CALL db.awaitIndex(name, $seconds) RETURN count(*) AS count';
  await database.read(call, { text, values: { names, seconds: integer(AWAIT_SECONDS) } });
}

/** Frees the name, then removes what was stored under it. False when it was gone already. */
export async function deleteCollection(
  database: Neo4jDatabase,
  call: Call,
  { key, nativeName: label }: Neo4jCollection,
): Promise<boolean> {
  const [taken] = await database.write<{ label: string }>(call, {
    text: `
      MATCH (c:${COLLECTION} {key: $key}) WHERE c.label = $label
      REMOVE c:${COLLECTION} SET c:${DELETED}, c.deletedAt = timestamp() REMOVE c.key RETURN c.label AS label`,
    values: { key, label },
  });
  if (!taken) return false;
  await removeRecords(database, call, label);
  const abandoned = await database.read<{ label: string }>(call, {
    text: `MATCH (c:${DELETED}) WHERE c.deletedAt < timestamp() - $abandonedMs RETURN c.label AS label`,
    values: { abandonedMs: integer(ABANDONED_MS) },
  });
  for (const left of abandoned) await removeRecords(database, call, left.label);
  return true;
}

async function removeRecords(database: Neo4jDatabase, call: Call, label: string): Promise<void> {
  if (!/^\w+$/.test(label)) return;
  // First the indexes, which would be kept up to date with each record that goes.
  for (const name of [label, wordIndexName(label)]) {
    await database.write(call, { text: 'DROP INDEX $name IF EXISTS', values: { name } });
  }
  await database.write(call, {
    text: `MATCH (n:${label}) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF ${DELETE_ROWS} ROWS`,
  });
  await database.write(call, { text: `MATCH (c:${DELETED} {label: $label}) DELETE c`, values: { label } });
}

export function wordIndexName(label: string): string {
  return `${label}_words`;
}

/** Letters, digits and underscores: may stand in a statement as it is. */
function labelOf(name: string): string {
  const slug = name.replaceAll(/[^A-Za-z0-9]+/g, '_').slice(0, 32);
  return `Morag_${slug}_${randomBytes(6).toString('hex')}`;
}

/** Several who create the same schema at once get this, in spite of IF NOT EXISTS. */
async function unlessThere(created: Promise<unknown>): Promise<void> {
  await created.catch((error: unknown) => {
    if (!hasCategory(error, 'already_exists')) throw error;
  });
}

function toCollection(found: object): Neo4jCollection {
  const { key, name, label, dimension, metric, words } = row.parse(found);
  return {
    key,
    name,
    nativeName: label,
    dimension,
    metric,
    hasWordIndex: words,
    state: 'ready',
    createdByUs: true,
  };
}
