import { textSearchConfiguration } from '../language.ts';
import { lexicalForm } from './lexical-text.ts';

/** Runs one statement, `$1` standing for the first parameter; in a transaction where the function says so. */
export type SqlQuery = <Row extends object>(sql: string, parameters: readonly unknown[]) => Promise<Row[]>;

/** A passage for the lexical index. */
export interface LexicalEntry {
  readonly chunkId: string;
  readonly lexicalText: string;
  readonly language: string;
}

/** Where the entries belong. */
export interface LexicalVersion {
  readonly databaseId: string;
  readonly versionId: string;
}

/** Rows in one INSERT: large enough to be fast, small enough to be cancelled soon. */
const ROWS_PER_INSERT = 200;

/** Adds the passages of a version that is not active yet: nothing counts or finds them before `activateVersion`. Safe to repeat. */
export async function indexChunks(
  query: SqlQuery,
  version: LexicalVersion,
  entries: readonly LexicalEntry[],
): Promise<void> {
  for (let start = 0; start < entries.length; start += ROWS_PER_INSERT) {
    const rows = entries.slice(start, start + ROWS_PER_INSERT);
    await query(INSERT_ENTRIES, [
      version.databaseId,
      version.versionId,
      rows.map((row) => row.chunkId),
      rows.map((row) => textSearchConfiguration(row.language)),
      rows.map((row) => lexicalForm(row.lexicalText)),
    ]);
  }
}

const INSERT_ENTRIES = `
insert into documents.chunk_lexemes (chunk_id, version_id, database_id, config, length, lexemes)
select entry.chunk_id, $2::uuid, $1::uuid, entry.config,
       (select coalesce(sum(cardinality(word.positions)), 0) from unnest(vector.lexemes) word),
       vector.lexemes || array_to_tsvector(array['@' || $1::text || ':' || entry.config])
from unnest($3::uuid[], $4::text[], $5::text[]) as entry (chunk_id, config, content)
cross join lateral (select to_tsvector(entry.config::regconfig, entry.content) as lexemes offset 0) vector
on conflict (chunk_id) do nothing`;

/** Makes a version's passages count and be found. In one transaction with `deactivateVersion` of the version that it replaces. Safe to repeat. */
export async function activateVersion(query: SqlQuery, version: LexicalVersion): Promise<void> {
  await setActive(query, version, true);
}

/** Takes a version's passages out of counts and searches; they stay for a later restore. Safe to repeat. */
export async function deactivateVersion(query: SqlQuery, version: LexicalVersion): Promise<void> {
  await setActive(query, version, false);
}

/** Removes a version's passages altogether. In a transaction. */
export async function removeVersion(query: SqlQuery, version: LexicalVersion): Promise<void> {
  await deactivateVersion(query, version);
  await query('delete from documents.chunk_lexemes where version_id = $1', [version.versionId]);
}

/** Removes all that is kept of a database. In a transaction. */
export async function removeDatabase(query: SqlQuery, databaseId: string): Promise<void> {
  await lockDatabase(query, databaseId);
  for (const table of ['chunk_lexemes', 'lexeme_stats', 'lexical_totals']) {
    await query(`delete from documents.${table} where database_id = $1`, [databaseId]);
  }
}

async function setActive(query: SqlQuery, version: LexicalVersion, active: boolean): Promise<void> {
  await lockDatabase(query, version.databaseId);
  const sign = active ? 1 : -1;
  // Counted before the switch, while the rows that are about to change still differ from those that are not.
  await query(COUNT_LEXEMES, [version.versionId, active, sign, version.databaseId]);
  await query(COUNT_CHUNKS, [version.versionId, active, sign, version.databaseId]);
  await query('update documents.chunk_lexemes set active = $2 where version_id = $1 and active <> $2', [
    version.versionId,
    active,
  ]);
  if (active) return;
  await query(DELETE_UNUSED_LEXEMES, [version.databaseId, version.versionId]);
  await query('delete from documents.lexical_totals where database_id = $1 and chunks = 0', [version.databaseId]);
}

/** One change of a database's counts at a time: they share rows, and two in different order would wait for each other. */
async function lockDatabase(query: SqlQuery, databaseId: string): Promise<void> {
  await query(`select pg_advisory_xact_lock(hashtextextended('lexical:' || $1::text, 0))`, [databaseId]);
}

const COUNT_LEXEMES = `
insert into documents.lexeme_stats as stats (database_id, config, lexeme, chunks)
select $4::uuid, entry.config, word.lexeme, $3::int * count(*)
from documents.chunk_lexemes entry cross join lateral unnest(entry.lexemes) word
where entry.version_id = $1 and entry.active <> $2 and word.positions is not null
group by entry.config, word.lexeme
on conflict (database_id, config, lexeme) do update set chunks = stats.chunks + excluded.chunks`;

const COUNT_CHUNKS = `
insert into documents.lexical_totals as totals (database_id, config, chunks, length)
select $4::uuid, config, $3::int * count(*), $3::int * sum(length)
from documents.chunk_lexemes where version_id = $1 and active <> $2
group by config
on conflict (database_id, config) do update
set chunks = totals.chunks + excluded.chunks, length = totals.length + excluded.length`;

const DELETE_UNUSED_LEXEMES = `
delete from documents.lexeme_stats where database_id = $1 and chunks = 0 and lexeme in (
  select word.lexeme from documents.chunk_lexemes entry cross join lateral unnest(entry.lexemes) word
  where entry.version_id = $2)`;

/**
 * A lexeme that no parser makes, in every row of a database and stemmer: the index itself then leaves the others out. It has
 * no position, which tells it from the words of the text.
 */
export function partitionToken(databaseId: string, config: string): string {
  return `@${databaseId}:${config}`;
}
