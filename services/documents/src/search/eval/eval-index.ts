import type { Embedder } from '@morag/embedder';
import type pg from 'pg';
import type { Chunk } from '../../chunk/chunk.ts';
import { chunkDocument } from '../../chunk/chunk-document.ts';
import type { ExtractedDocument } from '../../extract/block.ts';
import { fuse } from '../fuse.ts';
import type { LegHit, SearchMode } from '../hit.ts';
import { activateVersion, indexChunks, type SqlQuery } from '../lexical.store.ts';
import { LEXICAL_INDEX_DDL } from '../lexical-index.sql.ts';
import { searchLexical } from '../search-lexical.ts';

/** A passage and the document that it is of. */
export interface EvalChunk extends Chunk {
  readonly id: string;
  readonly documentId: string;
}

/** What the two legs found for one question. */
export interface Legs {
  readonly vector: readonly LegHit[];
  readonly lexical: readonly LegHit[];
}

/** Candidates that each leg brings, as in the service. */
const DEPTH = 100;
/** Passages that are ranked for a question: several may be of one document. */
const RANKED = 50;

/**
 * The search of the service without the service: the same passages, vectors, lexical index and fusion, with an exact scan in
 * place of a vector database, so that the figure is the method's and not a server's.
 */
export class EvalIndex {
  readonly chunks: readonly EvalChunk[];
  readonly #byId: ReadonlyMap<string, EvalChunk>;
  readonly #vectors: readonly Float32Array[];
  readonly #embedder: Embedder;
  readonly #query: SqlQuery;
  readonly #databaseId: string;

  private constructor(parts: {
    chunks: readonly EvalChunk[];
    vectors: readonly Float32Array[];
    embedder: Embedder;
    query: SqlQuery;
    databaseId: string;
  }) {
    this.chunks = parts.chunks;
    this.#byId = new Map(parts.chunks.map((chunk) => [chunk.id, chunk]));
    this.#vectors = parts.vectors;
    this.#embedder = parts.embedder;
    this.#query = parts.query;
    this.#databaseId = parts.databaseId;
  }

  /** Chunks, embeds and indexes the documents. The lexical tables are made in the pool's empty database. */
  static async build(
    documents: readonly { readonly id: string; readonly document: ExtractedDocument }[],
    { pool, embedder, signal }: { pool: pg.Pool; embedder: Embedder; signal: AbortSignal },
  ): Promise<EvalIndex> {
    const chunks = documents.flatMap(({ id, document }) =>
      chunkDocument(document).map((chunk): EvalChunk => ({ ...chunk, id: crypto.randomUUID(), documentId: id })),
    );
    const vectors = await embedder.embed(
      chunks.map((chunk) => chunk.embeddingText),
      'passage',
      signal,
    );
    await pool.query(`create schema documents; ${LEXICAL_INDEX_DDL}`);
    const query: SqlQuery = async (sql, parameters) => (await pool.query(sql, [...parameters])).rows as never[];
    const version = { databaseId: crypto.randomUUID(), versionId: crypto.randomUUID() };
    const entries = chunks.map(({ id, lexicalText, language }) => ({ chunkId: id, lexicalText, language }));
    await indexChunks(query, version, entries);
    // Nothing else uses this database, so the steps need no transaction around them.
    await activateVersion(query, version);
    await pool.query('analyze documents.chunk_lexemes');
    return new EvalIndex({ chunks, vectors, embedder, query, databaseId: version.databaseId });
  }

  /** What each leg finds for a question. */
  async legs(text: string, signal: AbortSignal): Promise<Legs> {
    const [vector] = await this.#embedder.embed([text], 'query', signal);
    const lexical = await searchLexical(this.#query, { databaseId: this.#databaseId, text, k: DEPTH });
    return { vector: vector ? this.#nearest(vector) : [], lexical };
  }

  /** The best passages of what the legs found, best first. */
  rank({ vector, lexical }: Legs, mode: SearchMode): EvalChunk[] {
    const hits = fuse(vector, lexical, { mode, vectorWeight: this.#embedder.vectorWeight, k: RANKED });
    return hits.flatMap((hit) => this.#byId.get(hit.id) ?? []);
  }

  #nearest(query: Float32Array): LegHit[] {
    return this.chunks
      .map((chunk, at) => ({ id: chunk.id, score: dot(query, this.#vectors[at] ?? new Float32Array()) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, DEPTH);
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
