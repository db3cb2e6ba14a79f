import { createHash } from 'node:crypto';
import {
  type CollectionInfo,
  type CollectionSpec,
  METRICS,
  type Metric,
  type NameRules,
  nativeName,
} from '@morag/connectors-core';
import { z } from 'zod';
import type { Session } from './pgvector.database.ts';
import type { PgvectorOptions } from './pgvector.options.ts';
import { PGVECTOR_CAPABILITIES } from './pgvector.options.ts';

/** A collection as the data calls need it. */
export interface PgvectorTable extends CollectionInfo {
  /** Changes when the table is dropped and made again. */
  readonly oid: number;
  readonly dimension: number;
  readonly metric: Metric;
  /** Schema and table, quoted. */
  readonly qualified: string;
}

/** What a metric is in pgvector. */
export const OPERATORS: Readonly<Record<Metric, { operator: string; opclass: string }>> = {
  cosine: { operator: '<=>', opclass: 'vector_cosine_ops' },
  dot: { operator: '<#>', opclass: 'vector_ip_ops' },
  euclidean: { operator: '<->', opclass: 'vector_l2_ops' },
};

/**
 * The words of a document: runs of letters and digits, which PostgreSQL would otherwise join into numbers with a sign,
 * hosts and file names. Of its beginning, since the words of a megabyte are more than it takes.
 */
export const DOCUMENT_WORDS = String.raw`to_tsvector('simple', translate(left(document, 100000), E'!"#$%&\'()*+,-./:;<=>?@[\\]^_\x60{|}~', repeat(' ', 32)))`;

// PostgreSQL cuts names at 63 bytes silently; the rest is for the names of indexes.
const NAME_RULES: NameRules = { plain: /^[a-z][a-z0-9_]*$/, prefix: 'vk_', filler: '_', lengthMax: 50 };
/** Held while a collection is made: CREATE EXTENSION IF NOT EXISTS by eight sessions at once fails seven times. */
const CREATE_LOCK = 7_234_119_085;

/** Stands as the table's comment, which makes the table one of ours. */
const commentJson = z.object({ morag: z.literal(1), name: z.string(), metric: z.enum(METRICS) });

interface TableRow {
  readonly oid: number;
  readonly relname: string;
  readonly dimension: number;
  readonly comment: string;
}

const SELECT_TABLES = `
  SELECT c.oid::int8::text AS oid, c.relname, a.atttypmod AS dimension, obj_description(c.oid, 'pg_class') AS comment
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'embedding' AND NOT a.attisdropped
  WHERE n.nspname = $1 AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') LIKE '{"morag":1,%'`;

/** Tables in the order of their names, after `after`. */
export async function listTables(
  session: Session,
  schema: string,
  after: string,
  limit: number,
): Promise<PgvectorTable[]> {
  const text = `${SELECT_TABLES} AND c.relname COLLATE "C" > $2 ORDER BY c.relname COLLATE "C" LIMIT $3`;
  const rows = await session.query<TableRow>({ text, values: [schema, after, limit] });
  return rows.map((row) => toTable(row, schema)).filter((table) => table !== undefined);
}

export async function findTable(session: Session, schema: string, name: string): Promise<PgvectorTable | undefined> {
  const values = [schema, nativeName(name, NAME_RULES)];
  const [row] = await session.query<TableRow>({ text: `${SELECT_TABLES} AND c.relname = $2`, values });
  const table = row && toTable(row, schema);
  return table?.name === name ? table : undefined;
}

/** Fails with 42P07 when a table of this name is there, whosever it is. */
export async function createTable(session: Session, spec: CollectionSpec, options: PgvectorOptions): Promise<void> {
  const native = nativeName(spec.name, NAME_RULES);
  const qualified = qualify(options.schema, native);
  const run = (text: string, values: readonly unknown[] = []) => session.execute({ text, values });
  await run('SELECT pg_advisory_xact_lock($1)', [CREATE_LOCK]);
  await run('CREATE EXTENSION IF NOT EXISTS vector');
  await run(`
    CREATE TABLE ${qualified} (
      id text COLLATE "C" PRIMARY KEY,
      embedding vector(${spec.dimension}) NOT NULL,
      metadata jsonb NOT NULL DEFAULT '{}',
      document text
    )`);
  const comment = JSON.stringify({ morag: 1, name: spec.name, metric: spec.metric });
  await run(`COMMENT ON TABLE ${qualified} IS ${quoteLiteral(comment)}`);
  if (options.index === 'hnsw' && spec.dimension <= PGVECTOR_CAPABILITIES.maxIndexedDimension) {
    const { m, efConstruction } = options.hnsw;
    await run(`
      CREATE INDEX ${indexName(native, 'hnsw')} ON ${qualified} USING hnsw (embedding ${OPERATORS[spec.metric].opclass})
      WITH (m = ${m}, ef_construction = ${efConstruction})`);
  }
  if (options.wordIndex) {
    await run(`CREATE INDEX ${indexName(native, 'words')} ON ${qualified} USING gin ((${DOCUMENT_WORDS}))`);
  }
  if (spec.filterFields?.length) {
    await run(`CREATE INDEX ${indexName(native, 'gin')} ON ${qualified} USING gin (metadata jsonb_path_ops)`);
  }
}

export async function dropTable(session: Session, table: PgvectorTable): Promise<void> {
  await session.execute({ text: `DROP TABLE ${table.qualified}` });
}

/** What callers see of a table. */
function toTable({ oid, relname, dimension, comment }: TableRow, schema: string): PgvectorTable | undefined {
  const ours = commentJson.safeParse(parseJson(comment));
  if (!ours.success) return undefined;
  const { name, metric } = ours.data;
  return {
    oid: Number(oid),
    name,
    nativeName: relname,
    dimension,
    metric,
    state: 'ready',
    createdByUs: true,
    qualified: qualify(schema, relname),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function indexName(native: string, kind: string): string {
  return quoteIdentifier(`${native}_${kind}_${createHash('sha1').update(native).digest('hex').slice(0, 6)}`);
}

function qualify(schema: string, table: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

// COMMENT takes no parameter. E'' reads backslashes the same whatever standard_conforming_strings says.
function quoteLiteral(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
