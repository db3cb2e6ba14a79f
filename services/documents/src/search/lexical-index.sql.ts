/**
 * Tables of the lexical leg, for the service's first migration.
 *
 * `chunk_lexemes` stands apart from the chunks' text so that its rows stay narrow: ranking reads hundreds of them a query.
 * Its GIN index holds only chunks of active versions, and every `lexemes` also holds the token of its database and stemmer
 * (`partitionToken`), so that the index itself intersects with them and no query pays for other tenants' chunks.
 * `lexeme_stats` and `lexical_totals` count the same rows exactly, per stemmer, since one word has another stem under each:
 * they change in the transaction that (de)activates.
 */
export const LEXICAL_INDEX_DDL = `
create table documents.chunk_lexemes (
  chunk_id uuid primary key,
  version_id uuid not null,
  database_id uuid not null,
  active boolean not null default false,
  config text not null,
  length integer not null,
  lexemes tsvector not null
) with (toast_tuple_target = 8160);
create index chunk_lexemes_version on documents.chunk_lexemes (version_id);
create index chunk_lexemes_active on documents.chunk_lexemes using gin (lexemes) where active;

create table documents.lexeme_stats (
  database_id uuid not null,
  config text not null,
  lexeme text not null,
  chunks integer not null,
  primary key (database_id, config, lexeme)
) with (fillfactor = 80);

create table documents.lexical_totals (
  database_id uuid not null,
  config text not null,
  chunks integer not null,
  length bigint not null,
  primary key (database_id, config)
);
`;
