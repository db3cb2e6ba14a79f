export { createEmbedder, type EmbedderConfig } from './create-embedder.ts';
export { EmbedderError } from './embedder.error.ts';
export type { Embedder, EmbeddingKind } from './embedder.ts';
export type { Fetch } from './http/retrying-post.ts';
