import type { Embedder } from '@morag/embedder';

const DIMENSION = 64;

/** A small embedder: words that two texts share bring them together. Counts what it is asked, and can be held up. */
export class FakeEmbedder implements Embedder {
  readonly provider = 'local';
  readonly model = 'fake';
  readonly dimension = DIMENSION;
  readonly vectorWeight = 0.5;
  readonly languages?: readonly string[];
  /** Passages embedded so far. */
  passages: string[] = [];
  failure: Error | undefined;
  #gate: Promise<void> | undefined;
  #open: () => void = () => {};

  /** From now on passages wait; returns what lets them go on. */
  hold(): () => void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
    return () => {
      this.#gate = undefined;
      this.#open();
    };
  }

  async embed(texts: readonly string[], kind: 'query' | 'passage', signal: AbortSignal): Promise<Float32Array[]> {
    signal.throwIfAborted();
    if (this.failure) throw this.failure;
    if (kind === 'passage') {
      if (this.#gate) await abortable(this.#gate, signal);
      this.passages.push(...texts);
    }
    return texts.map(vectorOf);
  }

  async close(): Promise<void> {}
}

async function abortable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    void work.then(resolve);
  });
}

function vectorOf(text: string): Float32Array {
  const vector = new Float32Array(DIMENSION).fill(0.01);
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
    let hash = 7;
    for (const letter of word) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
    vector[hash % DIMENSION] = (vector[hash % DIMENSION] ?? 0) + 1;
  }
  return vector;
}
