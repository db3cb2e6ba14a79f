import type { BodyBlock } from '../extract/block.ts';
import { estimateTokens } from './tokens.ts';

/** The smallest part of a passage: a sentence, an item, a row, a line of code, or a block that is kept whole. */
export interface Unit {
  readonly text: string;
  readonly tokens: number;
  readonly start: number;
  readonly end: number;
  readonly page: number | undefined;
  /** What stands between this unit and the one before it, when both are in one passage. */
  readonly joint: string;
  /** Whether a block begins with it, before which a passage ends better than within one. */
  readonly startsBlock: boolean;
  /** Whether it may be repeated at the start of the next passage: sentences tell what the following ones are about. */
  readonly repeatable: boolean;
  /** A table's header, which a passage needs that starts in the middle of the table. */
  readonly header?: string;
}

/** Between blocks within a passage. */
const BLOCK_JOINT = '\n';

/** Cuts a block into units of at most `tokensMax`. Blocks that are better not cut are one unit where they fit. */
export function unitsOf(block: BodyBlock, tokensMax: number, language: string): Unit[] {
  const tokens = estimateTokens(block.text);
  const isKeptWhole = block.kind !== 'paragraph';
  if (isKeptWhole && tokens <= tokensMax) {
    const whole = { text: block.text, tokens, start: block.offset, end: block.offset + block.text.length };
    return [{ ...whole, page: block.page, joint: BLOCK_JOINT, startsBlock: true, repeatable: false }];
  }
  const parts = block.kind === 'paragraph' ? sentences(block.text, language) : lines(block.text);
  const header = block.kind === 'table' ? block.text.slice(0, block.text.indexOf('\n')) : undefined;
  const inner = block.kind === 'paragraph' ? ' ' : '\n';
  return parts
    .flatMap((part) => withinBound(part, tokensMax))
    .map((part, at) => ({
      text: part.text,
      tokens: estimateTokens(part.text),
      start: block.offset + part.at,
      end: block.offset + part.at + part.text.length,
      page: block.page,
      joint: at === 0 ? BLOCK_JOINT : inner,
      startsBlock: at === 0,
      repeatable: block.kind === 'paragraph',
      ...(header && at > 0 && { header }),
    }));
}

interface Part {
  readonly text: string;
  /** Where it starts in the block. */
  readonly at: number;
}

const segmenters = new Map<string, Intl.Segmenter>();

function sentences(text: string, language: string): Part[] {
  let segmenter = segmenters.get(language);
  if (!segmenter) {
    segmenter = new Intl.Segmenter(language, { granularity: 'sentence' });
    segmenters.set(language, segmenter);
  }
  return [...segmenter.segment(text)].flatMap(({ segment, index }) => trimmed(segment, index));
}

function lines(text: string): Part[] {
  let at = 0;
  return text.split('\n').flatMap((line) => {
    const start = at;
    at += line.length + 1;
    return line.trim() === '' ? [] : [{ text: line.trimEnd(), at: start }];
  });
}

function trimmed(text: string, at: number): Part[] {
  const start = text.length - text.trimStart().length;
  const inner = text.trim();
  return inner === '' ? [] : [{ text: inner, at: at + start }];
}

/** A sentence or line longer than a whole passage is cut between words; a word longer than that, anywhere. */
function withinBound(part: Part, tokensMax: number): Part[] {
  if (estimateTokens(part.text) <= tokensMax) return [part];
  const parts: Part[] = [];
  let start = 0;
  let end = 0;
  let tokens = 0;
  for (const { 0: word, index } of part.text.matchAll(/\S+\s*/g)) {
    for (let at = 0; at < word.length; at += WORD_CHARACTERS_MAX) {
      const piece = word.slice(at, at + WORD_CHARACTERS_MAX);
      const more = estimateTokens(piece);
      if (tokens + more > tokensMax && end > start) {
        parts.push(...trimmed(part.text.slice(start, end), part.at + start));
        start = index + at;
        tokens = 0;
      }
      end = index + at + piece.length;
      tokens += more;
    }
  }
  return [...parts, ...trimmed(part.text.slice(start), part.at + start)];
}

/** No word of a language is longer; what is (encoded data) may be cut. */
const WORD_CHARACTERS_MAX = 64;
