import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '@morag/testing';
import pg from 'pg';
import {
  activateVersion,
  deactivateVersion,
  indexChunks,
  type LexicalVersion,
  removeDatabase,
  removeVersion,
  type SqlQuery,
} from './lexical.store.ts';
import { LEXICAL_INDEX_DDL } from './lexical-index.sql.ts';
import { searchLexical } from './search-lexical.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: pg.Pool;
const query: SqlQuery = async (sql, parameters) => (await pool.query(sql, parameters as unknown[])).rows as never[];

beforeAll(async () => {
  database = await createTestDatabase('lexical');
  pool = new pg.Pool({ connectionString: database.url });
  await pool.query(`create schema documents; ${LEXICAL_INDEX_DDL}`);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function transaction(work: (query: SqlQuery) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await work(async (sql, parameters) => (await client.query(sql, parameters as unknown[])).rows as never[]);
    await client.query('commit');
  } finally {
    client.release();
  }
}

/** Names of chunks by their ids, so that a test reads like its data. */
const names = new Map<string, string>();

function version(databaseId: string = crypto.randomUUID()): LexicalVersion {
  return { databaseId, versionId: crypto.randomUUID() };
}

async function index(target: LexicalVersion, texts: Record<string, string>, language = 'en'): Promise<void> {
  const entries = Object.entries(texts).map(([name, lexicalText]) => {
    const chunkId = crypto.randomUUID();
    names.set(chunkId, name);
    return { chunkId, lexicalText, language };
  });
  await indexChunks(query, target, entries);
}

async function active(texts: Record<string, string>, language = 'en', databaseId?: string): Promise<LexicalVersion> {
  const target = version(databaseId);
  await index(target, texts, language);
  await transaction((tx) => activateVersion(tx, target));
  return target;
}

async function search(databaseId: string, text: string, more: { k?: number } = {}): Promise<Record<string, number>> {
  const hits = await searchLexical(query, { databaseId, text, k: 10, ...more });
  return Object.fromEntries(hits.map((hit) => [names.get(hit.id), hit.score]));
}

const found = async (databaseId: string, text: string): Promise<string[]> =>
  Object.keys(await search(databaseId, text));

async function counts(databaseId: string): Promise<Record<string, number>> {
  const rows = await query<{ lexeme: string; chunks: number }>(
    'select lexeme, chunks from documents.lexeme_stats where database_id = $1 order by lexeme',
    [databaseId],
  );
  return Object.fromEntries(rows.map((row) => [row.lexeme, row.chunks]));
}

/** BM25 as the textbooks have it, over texts that are already stems. */
function bm25(texts: Record<string, string>, question: string): Record<string, number> {
  const documents = Object.entries(texts).map(([name, text]) => [name, text.split(' ')] as const);
  const meanLength = documents.reduce((sum, [, words]) => sum + words.length, 0) / documents.length;
  return Object.fromEntries(
    documents.map(([name, words]) => {
      const score = question.split(' ').reduce((sum, word) => {
        const holding = documents.filter(([, each]) => each.includes(word)).length;
        const tf = words.filter((each) => each === word).length;
        const idf = Math.log(1 + (documents.length - holding + 0.5) / (holding + 0.5));
        return sum + (idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * words.length) / meanLength));
      }, 0);
      return [name, score];
    }),
  );
}

describe('the order', () => {
  const texts = {
    one: 'pump water pump lake pump',
    two: 'pump water',
    three: 'lake boat boat boat boat boat boat boat boat boat boat boat',
    four: 'tank hill',
  };

  it('is BM25’s, to the digit', async () => {
    const { databaseId } = await active(texts);
    for (const question of ['pump', 'boat', 'pump lake', 'water tank boat hill']) {
      const expected = Object.entries(bm25(texts, question)).filter(([, score]) => score > 0);
      const actual = await search(databaseId, question);
      expect(Object.keys(actual)).toEqual(expected.sort(([, a], [, b]) => b - a).map(([name]) => name));
      for (const [name, score] of expected) expect(actual[name]).toBeCloseTo(score, 5);
    }
  });

  it('is cut at k', async () => {
    const { databaseId } = await active(texts);
    expect(Object.keys(await search(databaseId, 'pump lake', { k: 1 }))).toEqual(['one']);
  });
});

describe('a word is found', () => {
  it('in other forms of it, by the language of the text', async () => {
    const { databaseId } = await active({ en: 'installing the pumps' });
    await active({ de: 'die Häuser der Stadt' }, 'de', databaseId);
    expect(await found(databaseId, 'installed')).toEqual(['en']);
    expect(await found(databaseId, 'Haus')).toEqual(['de']);
  });

  it('within names, and whatever characters it holds', async () => {
    const { databaseId } = await active({
      conf: 'edit /etc/postgresql.conf',
      odd: String.raw`it's a\b "quoted" & (odd) | !text:*`,
    });
    expect(await found(databaseId, 'postgresql conf')).toEqual(['conf']);
    expect(await found(databaseId, String.raw`it's "quoted" & !odd | a\b :* <->`)).toEqual(['odd']);
  });

  it('not for a question without words, or of common ones only', async () => {
    const { databaseId } = await active({ a: 'pump' });
    expect(await found(databaseId, '')).toEqual([]);
    expect(await found(databaseId, 'is the of')).toEqual([]);
    expect(await found(databaseId, '?!')).toEqual([]);
  });
});

describe('only active versions', () => {
  it('are found and counted', async () => {
    const old = await active({ old: 'red pump' });
    const next = version(old.databaseId);
    await index(next, { new: 'blue pump' });
    expect(await found(old.databaseId, 'pump')).toEqual(['old']);
    await transaction(async (tx) => {
      await deactivateVersion(tx, old);
      await activateVersion(tx, next);
    });
    expect(await found(old.databaseId, 'pump')).toEqual(['new']);
    expect(await counts(old.databaseId)).toEqual({ blue: 1, pump: 1 });
    await transaction((tx) => removeVersion(tx, next));
    expect(await counts(old.databaseId)).toEqual({});
    await transaction((tx) => activateVersion(tx, old));
    expect(await found(old.databaseId, 'pump')).toEqual(['old']);
  });

  it('count once, however often a step is repeated', async () => {
    const target = await active({ a: 'pump pump', b: 'pump tank' });
    await transaction((tx) => activateVersion(tx, target));
    expect(await counts(target.databaseId)).toEqual({ pump: 2, tank: 1 });
    await transaction((tx) => deactivateVersion(tx, target));
    await transaction((tx) => deactivateVersion(tx, target));
    expect(await counts(target.databaseId)).toEqual({});
  });

  it('count exactly while many change at once', async () => {
    const { databaseId } = await active({ a: 'pump' });
    const versions = Array.from({ length: 8 }, () => version(databaseId));
    await Promise.all(versions.map((target, i) => index(target, { [`v${i}`]: `pump tank w${i}` })));
    await Promise.all(versions.map((target) => transaction((tx) => activateVersion(tx, target))));
    expect(await counts(databaseId)).toMatchObject({ pump: 9, tank: 8, w3: 1 });
    await Promise.all(
      versions.map((target, i) =>
        transaction((tx) => (i % 2 ? removeVersion(tx, target) : deactivateVersion(tx, target))),
      ),
    );
    expect(await counts(databaseId)).toEqual({ pump: 1 });
  });
});

describe('another database', () => {
  it('is neither searched nor counted', async () => {
    const mine = await active({ mine: 'pump' });
    const other = await active({ other: 'pump pump pump' });
    expect(await found(mine.databaseId, 'pump')).toEqual(['mine']);
    await transaction((tx) => removeDatabase(tx, other.databaseId));
    expect(await found(other.databaseId, 'pump')).toEqual([]);
    expect(await found(mine.databaseId, 'pump')).toEqual(['mine']);
  });
});

it('narrows by a condition of the caller', async () => {
  const first = await active({ first: 'pump' });
  await active({ second: 'pump' }, 'en', first.databaseId);
  const hits = await searchLexical(query, {
    databaseId: first.databaseId,
    text: 'pump',
    k: 10,
    condition: (bind) => `entry.version_id = ${bind(first.versionId)}`,
  });
  expect(hits.map((hit) => names.get(hit.id))).toEqual(['first']);
});

it('finds through the index', async () => {
  const { databaseId } = await active(
    Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`c${i}`, `pump word${i} tank`])),
  );
  await pool.query('analyze documents.chunk_lexemes');
  let plan = '';
  const explaining: SqlQuery = async (sql, parameters) => {
    if (sql.includes('chunk_lexemes')) {
      const client = await pool.connect();
      await client.query('set enable_seqscan = off');
      plan = JSON.stringify((await client.query(`explain ${sql}`, parameters as unknown[])).rows);
      client.release(true);
    }
    return query(sql, parameters);
  };
  await searchLexical(explaining, { databaseId, text: 'word7', k: 3 });
  expect(plan).toContain('chunk_lexemes_active');
});
