import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEmbedder, type Embedder } from '@morag/embedder';
import { createTestDatabase, noteSkip } from '@morag/testing';
import pg from 'pg';
import type { SearchMode } from '../hit.ts';
import { type Cranfield, readCranfield } from './cranfield.ts';
import { EvalIndex } from './eval-index.ts';
import { mean, ndcg } from './ndcg.ts';

const folder = process.env.MORAG_EVAL_DIR;

/** Embedding 1,400 abstracts takes a minute on two free cores. */
const MINUTES = 60_000;
const signal = AbortSignal.timeout(25 * MINUTES);

if (folder === undefined) {
  it('needs the collection in the folder that MORAG_EVAL_DIR names', () => {
    expect(folder).toBeUndefined();
    noteSkip('search quality on Cranfield (Q1)', 'MORAG_EVAL_DIR is not set');
  });
} else {
  describe('Cranfield with the default settings', () => {
    let database: Awaited<ReturnType<typeof createTestDatabase>>;
    let pool: pg.Pool;
    let embedder: Embedder;
    let collection: Cranfield;
    let index: EvalIndex;

    beforeAll(async () => {
      embedder = createEmbedder({ provider: 'local' });
      database = await createTestDatabase('cranfield');
      pool = new pg.Pool({ connectionString: database.url });
      collection = readCranfield(folder);
      index = await EvalIndex.build(collection.documents, { pool, embedder, signal });
    }, 25 * MINUTES);
    afterAll(async () => {
      await pool.end();
      await database.drop();
      await embedder.close();
    });

    /** Mean nDCG@10 of the joint order and of each leg alone. */
    async function qualities(): Promise<Record<SearchMode, number>> {
      const figures: Record<SearchMode, number[]> = { HYBRID: [], VECTOR: [], LEXICAL: [] };
      for (const { text, relevant } of collection.queries) {
        const legs = await index.legs(text, signal);
        for (const mode of ['HYBRID', 'VECTOR', 'LEXICAL'] as const) {
          const documents = new Set(index.rank(legs, mode).map((chunk) => chunk.documentId));
          figures[mode].push(ndcg([...documents], relevant));
        }
      }
      return { HYBRID: mean(figures.HYBRID), VECTOR: mean(figures.VECTOR), LEXICAL: mean(figures.LEXICAL) };
    }

    it(
      'reaches nDCG@10 of 0.44, and more than either leg alone',
      async () => {
        const { HYBRID, VECTOR, LEXICAL } = await qualities();
        const legs = `vector ${VECTOR.toFixed(4)}, lexical ${LEXICAL.toFixed(4)}`;
        process.stdout.write(`Q1 Cranfield nDCG@10 ${HYBRID.toFixed(4)} (${legs}) goal >= 0.44\n`);
        expect(HYBRID).toBeGreaterThanOrEqual(0.44);
        expect(HYBRID).toBeGreaterThanOrEqual(Math.max(VECTOR, LEXICAL));
      },
      10 * MINUTES,
    );
  });
}
