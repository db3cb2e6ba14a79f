import { EmbedderError } from '../embedder.error.ts';
import type { Embedder, EmbeddingKind } from '../embedder.ts';
import { type Fetch, postJson, RETRY_POLICY, type RetryPolicy } from './retrying-post.ts';

/** Texts in one request: all providers take as many, and a repeated request costs little. */
const BATCH_MAX = 64;
/** A model that nobody measured starts at an equal share of both legs. */
const VECTOR_WEIGHT_UNMEASURED = 0.5;

/** What differs between the providers' protocols. */
export interface HttpProtocol {
  readonly provider: string;
  /** Appended to the configured URL. */
  readonly path: string;
  headers(): Record<string, string>;
  request(texts: readonly string[]): unknown;
  /** The vectors of an answer in the order of the texts, or undefined where it is not of the expected form. */
  vectors(answer: unknown): unknown[] | undefined;
}

export interface HttpEmbedderOptions {
  readonly url: string;
  readonly model: string;
  readonly dimension: number;
  readonly fetch: Fetch;
  readonly policy?: RetryPolicy;
}

/** Embeds over HTTP, whichever protocol. */
export class HttpEmbedder implements Embedder {
  readonly vectorWeight = VECTOR_WEIGHT_UNMEASURED;
  readonly #protocol: HttpProtocol;
  readonly #options: HttpEmbedderOptions;
  readonly #closed = new AbortController();

  constructor(protocol: HttpProtocol, options: HttpEmbedderOptions) {
    this.#protocol = protocol;
    this.#options = options;
  }

  get provider(): string {
    return this.#protocol.provider;
  }

  get model(): string {
    return this.#options.model;
  }

  get dimension(): number {
    return this.#options.dimension;
  }

  async embed(texts: readonly string[], _kind: EmbeddingKind, signal: AbortSignal): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for (let start = 0; start < texts.length; start += BATCH_MAX) {
      vectors.push(...(await this.#batch(texts.slice(start, start + BATCH_MAX), signal)));
    }
    return vectors;
  }

  async close(): Promise<void> {
    this.#closed.abort(new EmbedderError('The embedder was closed.', { retryable: false }));
  }

  async #batch(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const { fetch, policy = RETRY_POLICY, url } = this.#options;
    const parts = { fetch, policy, headers: this.#protocol.headers() };
    const address = url.replace(/\/+$/, '') + this.#protocol.path;
    const ends = AbortSignal.any([signal, this.#closed.signal]);
    const answer = await postJson(address, this.#protocol.request(texts), parts, ends);
    const vectors = this.#protocol.vectors(answer);
    if (vectors?.length !== texts.length) {
      const message = `The embedding provider answered ${vectors?.length ?? 'no'} vectors for ${texts.length} texts.`;
      throw new EmbedderError(message, { retryable: false });
    }
    return vectors.map((vector) => this.#check(vector));
  }

  #check(vector: unknown): Float32Array {
    if (!Array.isArray(vector) || !vector.every(Number.isFinite)) {
      throw new EmbedderError('The embedding provider answered a vector that is not a list of numbers.', {
        retryable: false,
      });
    }
    if (vector.length !== this.dimension) {
      const message = `The model ${this.model} answers ${vector.length} dimensions; ${this.dimension} are configured.`;
      throw new EmbedderError(message, { retryable: false });
    }
    return Float32Array.from(vector as number[]);
  }
}
