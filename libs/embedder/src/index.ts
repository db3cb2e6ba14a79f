export type { Embedder, EmbeddingKind } from './embedder.ts';
export { EmbedderError } from './embedder.error.ts';
