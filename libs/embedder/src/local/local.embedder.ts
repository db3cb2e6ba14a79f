import type { Embedder, EmbeddingKind } from '../embedder.ts';
import { InferenceClient, type InferenceLimits } from './inference.client.ts';
import { type ModelFolder, readModelFolder } from './model-folder.ts';
import { VectorCache } from './vector.cache.ts';

/** Two threads: the gain of more is small for one short sequence, and the services need processors as well. */
const THREADS = 2;
/** 6 MB at 384 dimensions. */
const CACHE_ENTRIES_MAX = 4096;

/** Embeds with an ONNX model on this machine, in a process of its own that starts with the first text. */
export class LocalEmbedder implements Embedder {
  readonly provider = 'local';
  readonly #model: ModelFolder;
  readonly #client: InferenceClient;
  readonly #cache = new VectorCache(CACHE_ENTRIES_MAX);

  constructor(folder: string, limits: Partial<InferenceLimits> = {}) {
    this.#model = readModelFolder(folder);
    const { modelFile, tokenizerFile, pooling, tokensMax } = this.#model;
    this.#client = new InferenceClient({ modelFile, tokenizerFile, pooling, tokensMax, threads: THREADS }, limits);
  }

  get model(): string {
    return this.#model.name;
  }

  get dimension(): number {
    return this.#model.dimension;
  }

  get vectorWeight(): number {
    return this.#model.vectorWeight;
  }

  get languages(): readonly string[] | undefined {
    return this.#model.languages;
  }

  embed(texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal): Promise<Float32Array[]> {
    return Promise.all(texts.map((text) => this.#embedOne(text, kind, signal)));
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #embedOne(text: string, kind: EmbeddingKind, signal: AbortSignal): Promise<Float32Array> {
    const known = this.#cache.get(text, kind);
    if (known) return known;
    const prefix = kind === 'query' ? this.#model.queryPrefix : this.#model.passagePrefix;
    const vector = await this.#client.infer(prefix + text, kind, signal);
    this.#cache.set(text, kind, vector);
    return vector;
  }
}
