import type { StoredRecord } from '../connector.port.ts';

/** Different words of one hybrid query that are looked for; further ones are left out. */
const QUERY_WORDS_MAX = 32;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

// BM25 as it is usually set: how soon more of a word adds nothing, and how much long documents are held back.
const SATURATION = 1.2;
const LENGTH_SHARE = 0.75;

/** The different words of a text, in lower case and in their order: runs of letters and digits. As many as of a query. */
export function wordsOf(text: string, wordsMax = QUERY_WORDS_MAX): readonly string[] {
  return [...new Set(allWords(text))].slice(0, wordsMax);
}

/**
 * The candidates that have any of the words, the best first by BM25, for vendors that can find documents by words but
 * not rank them. How rare a word is, is judged among the candidates: right when these are all documents with a word.
 */
export function rankByWords<T extends StoredRecord>(text: string, candidates: readonly T[]): readonly T[] {
  const words = wordsOf(text);
  const wanted = new Set(words);
  const documents = candidates.map((record) => countWords(record, wanted));
  const meanLength = documents.reduce((sum, { length }) => sum + length, 0) / Math.max(1, documents.length);
  const rarity = new Map(
    words.map((word) => {
      const having = documents.filter(({ counts }) => counts.has(word)).length;
      return [word, Math.log(1 + (documents.length - having + 0.5) / (having + 0.5))];
    }),
  );
  return documents
    .map(({ record, counts, length }) => {
      let score = 0;
      for (const [word, count] of counts) {
        const held = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * length) / meanLength);
        score += ((rarity.get(word) ?? 0) * count * (SATURATION + 1)) / (count + held);
      }
      return { record, score };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || (a.record.id < b.record.id ? -1 : 1))
    .map(({ record }) => record);
}

function countWords<T extends StoredRecord>(record: T, wanted: ReadonlySet<string>) {
  const all = allWords(record.document ?? '');
  const counts = new Map<string, number>();
  for (const word of all) {
    if (wanted.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return { record, counts, length: all.length };
}

/** The words of a text in lower case, each as often as it stands there: what documents are indexed by. */
export function allWords(text: string): readonly string[] {
  return text.toLowerCase().match(WORD) ?? [];
}
