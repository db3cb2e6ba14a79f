import { hash } from 'node:crypto';
import type { EmbeddingKind } from '../embedder.ts';

/** Vectors of the texts seen last, found by what was embedded. */
export class VectorCache {
  readonly #entriesMax: number;
  // A Map iterates in the order of insertion, so its first key is the one that was used longest ago.
  readonly #vectors = new Map<string, Float32Array>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(text: string, kind: EmbeddingKind): Float32Array | undefined {
    const key = keyOf(text, kind);
    const vector = this.#vectors.get(key);
    if (!vector) return undefined;
    this.#vectors.delete(key);
    this.#vectors.set(key, vector);
    // Callers may hand a vector's memory on.
    return vector.slice();
  }

  set(text: string, kind: EmbeddingKind, vector: Float32Array): void {
    const key = keyOf(text, kind);
    this.#vectors.delete(key);
    this.#vectors.set(key, vector.slice());
    if (this.#vectors.size <= this.#entriesMax) return;
    const [oldest] = this.#vectors.keys();
    if (oldest !== undefined) this.#vectors.delete(oldest);
  }
}

function keyOf(text: string, kind: EmbeddingKind): string {
  return `${kind}:${hash('sha256', text, 'base64url')}`;
}
