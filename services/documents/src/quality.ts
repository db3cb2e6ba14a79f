import type { Chunk } from './chunk/chunk.ts';
import type { ExtractedDocument } from './extract/block.ts';
import { UNDETERMINED } from './language.ts';

/**
 * How well a document was understood, 0–1: the weighted sum of four shares, each 0–1.
 *
 * - `kept` (0.35): text kept of the text found. Half is enough for full marks: pages of the web are half furniture.
 * - `readable` (0.35): 1 without broken characters, 0 when one in twenty is (a font or encoding that nothing explains).
 * - `even` (0.2): 1 when the passages are of equal length, 0 when their lengths deviate by their mean; scattered
 *   lengths are what scattered layouts leave.
 * - `language` (0.1): 1 when the language is known.
 */
export function qualityOf(document: ExtractedDocument, chunks: readonly Chunk[]): number {
  const { charactersFound, charactersKept, charactersBroken } = document.statistics;
  const kept = charactersFound === 0 ? 0 : Math.min(1, charactersKept / charactersFound / KEPT_ENOUGH);
  const readable = 1 - Math.min(1, charactersBroken / Math.max(1, charactersKept) / BROKEN_MAX);
  const even = 1 - Math.min(1, deviation(chunks.map((chunk) => chunk.text.length)));
  const language = document.language === UNDETERMINED ? 0 : 1;
  const quality = 0.35 * kept + 0.35 * readable + 0.2 * even + 0.1 * language;
  return Math.round(quality * 1000) / 1000;
}

const KEPT_ENOUGH = 0.5;
const BROKEN_MAX = 0.05;

/** Standard deviation in parts of the mean. */
function deviation(lengths: readonly number[]): number {
  if (lengths.length === 0) return 1;
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  const variance = lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / lengths.length;
  return mean === 0 ? 1 : Math.sqrt(variance) / mean;
}
