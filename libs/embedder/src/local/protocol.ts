import type { EmbeddingKind } from '../embedder.ts';
import type { Pooling } from './model-folder.ts';

/** What the inference process is started with, as JSON in its first argument. */
export interface InferenceOptions {
  readonly modelFile: string;
  readonly tokenizerFile: string;
  readonly pooling: Pooling;
  readonly tokensMax: number;
  readonly threads: number;
}

/** To the inference process: one text, its prefix included. */
export interface InferenceRequest {
  readonly id: number;
  readonly kind: EmbeddingKind;
  readonly text: string;
}

/** From it: that the model is loaded, or why it is not, or the answer to one request. */
export type InferenceReply =
  | { readonly type: 'ready' }
  | { readonly type: 'unusable'; readonly message: string }
  | { readonly type: 'vector'; readonly id: number; readonly vector: Float32Array }
  | { readonly type: 'failed'; readonly id: number; readonly message: string };
