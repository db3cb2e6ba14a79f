import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createEmbedder, type Embedder } from '@morag/embedder';
import { createTestDatabase } from '@morag/testing';
import pg from 'pg';
import { extractDocument } from '../../extract/extract-document.ts';
import type { SearchMode } from '../hit.ts';
import { EvalIndex } from './eval-index.ts';
import { mean } from './ndcg.ts';

interface Question {
  readonly question: string;
  readonly document: string;
  /** Words of the passage that answers it. */
  readonly passage: string;
}

const FOLDER = join(import.meta.dirname, '../../../testdata/retrieval');
const questions = JSON.parse(readFileSync(join(FOLDER, 'questions.json'), 'utf8')) as Question[];
const signal = AbortSignal.timeout(120_000);

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: pg.Pool;
let embedder: Embedder;
let index: EvalIndex;

beforeAll(async () => {
  embedder = createEmbedder({ provider: 'local' });
  database = await createTestDatabase('eval');
  pool = new pg.Pool({ connectionString: database.url });
  const files = readdirSync(FOLDER).filter((file) => file !== 'questions.json');
  const documents = await Promise.all(
    files.map(async (name) => ({
      id: name,
      document: await extractDocument(readFileSync(join(FOLDER, name)), { name }, signal),
    })),
  );
  index = await EvalIndex.build(documents, { pool, embedder, signal });
}, 120_000);
afterAll(async () => {
  await pool.end();
  await database.drop();
  await embedder.close();
});

/** The rank of the passage that answers, from 1; infinite when it is not found. */
async function rankOf({ question, document, passage }: Question, mode: SearchMode): Promise<number> {
  const hits = index.rank(await index.legs(question, signal), mode);
  const at = hits.findIndex((hit) => hit.documentId === document && hit.text.replaceAll(/\s+/g, ' ').includes(passage));
  return at < 0 ? Number.POSITIVE_INFINITY : at + 1;
}

it('names passages that exist', () => {
  for (const { document, passage } of questions) {
    const texts = index.chunks
      .filter((chunk) => chunk.documentId === document)
      .map((chunk) => chunk.text.replaceAll(/\s+/g, ' '));
    expect(texts.filter((text) => text.includes(passage))).not.toEqual([]);
  }
});

it('brings the passage that answers a question among the first three, nine times in ten', async () => {
  const figures: Record<string, number> = {};
  for (const mode of ['HYBRID', 'VECTOR', 'LEXICAL'] as const) {
    const ranks = await Promise.all(questions.map((question) => rankOf(question, mode)));
    figures[`${mode} top 3`] = mean(ranks.map((rank) => (rank <= 3 ? 1 : 0)));
    figures[`${mode} MRR`] = mean(ranks.map((rank) => 1 / rank));
  }
  const line = Object.entries(figures).map(([name, figure]) => `${name} ${figure.toFixed(3)}`);
  process.stdout.write(
    `Q2 own set, ${questions.length} questions over ${index.chunks.length} passages: ${line.join(', ')}\n`,
  );
  expect(figures['HYBRID top 3']).toBeGreaterThanOrEqual(0.9);
  expect(figures['HYBRID MRR']).toBeGreaterThanOrEqual(0.8);
});
