/** What a text is to be embedded as: models are trained with different prefixes for the two. */
export type EmbeddingKind = 'query' | 'passage';

/** Turns texts into vectors. One instance serves a whole process; calls may overlap. */
export interface Embedder {
  /** `local`, `openai` or `ollama`. */
  readonly provider: string;
  /** The model's name as its provider knows it. Vectors of different models never meet in one database. */
  readonly model: string;
  /** Length of every vector. */
  readonly dimension: number;
  /** Share of the vector leg in a hybrid search, 0–1, as measured for this model; 0.5 where nobody measured it. */
  readonly vectorWeight: number;
  /** BCP 47 primary languages that the model understands; absent where it is not limited to a known few. */
  readonly languages?: readonly string[];
  /**
   * The vectors of `texts`, in their order, each of length `dimension`.
   * Rejects with an `EmbedderError`, or with the signal's reason when it is aborted.
   */
  embed(texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal): Promise<Float32Array[]>;
  /** Ends what runs in the background; calls under way reject. Safe to repeat. */
  close(): Promise<void>;
}
