/**
 * About how many tokens a text is to a WordPiece model. Within a tenth, for prose and code alike; the bounds of the chunker leave room
 * for the difference.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const [word] of text.matchAll(TOKENS))
    tokens += word.length > 1 && !IDEOGRAPHS.test(word) ? 1 + Math.floor((word.length - 1) / 8) : word.length;
  return tokens;
}

const TOKENS = /[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]/gu;
const IDEOGRAPHS = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}]/u;
