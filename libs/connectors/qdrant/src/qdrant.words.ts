import { allWords, wordsOf } from '@morag/connectors-core';

/** A vector with a dimension for each word, in the order of the dimensions. */
export interface SparseVector {
  readonly indices: number[];
  readonly values: number[];
}

/** Different words by which one document is found; a longer one by the first of its words. */
const WORDS_MAX = 20_000;

// BM25 as it is usually set. How rare a word is, the server adds when it is asked; the mean length it does not know.
const SATURATION = 1.2;
const LENGTH_SHARE = 0.75;
const MEAN_LENGTH = 256;

/** The words of a document, each weighed by how often it occurs; undefined for a text without words. */
export function documentWords(text: string): SparseVector | undefined {
  const counts = new Map<number, number>();
  const words = allWords(text);
  for (const word of words) {
    const index = hashOf(word);
    const count = counts.get(index);
    if (count !== undefined || counts.size < WORDS_MAX) counts.set(index, (count ?? 0) + 1);
  }
  if (words.length === 0) return undefined;
  const held = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * words.length) / MEAN_LENGTH);
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return {
    indices: sorted.map(([index]) => index),
    values: sorted.map(([, count]) => Math.fround((count * (SATURATION + 1)) / (count + held))),
  };
}

/** The words of a query, all of one weight. */
export function queryWords(text: string): SparseVector | undefined {
  const indices = [...new Set(wordsOf(text).map(hashOf))].sort((a, b) => a - b);
  return indices.length === 0 ? undefined : { indices, values: indices.map(() => 1) };
}

/** A dimension for each word (FNV-1a, 32 bits). Fixed for ever: another hash would not find what is stored. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < word.length; index++) {
    hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
