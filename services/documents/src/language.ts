import { detectAll } from 'tinyld';

/** No language: too little text, or none that is known. */
export const UNDETERMINED = 'und';

/** Below as many letters a guess is no better than chance; up to the second bound it must be a sure one. */
const LETTERS_MIN = 24;
const LETTERS_ENOUGH = 120;
const ACCURACY_MIN = 0.3;
/**
 * Pieces that vote. One detection over a long text is misled by a single foreign letter (a π makes it Greek), and
 * a preface or an appendix may be in another language than the rest.
 */
const PIECES_MAX = 15;
const DOCUMENT_PIECE_CHARACTERS = 300;
const PASSAGE_PIECE_CHARACTERS = 180;
/** A passage is taken to be in another language than its document only on firm evidence. */
const PASSAGE_PIECES_MIN = 3;
const PASSAGE_SHARE_MIN = 0.9;

/** The BCP 47 primary language of a text, or `und`. */
export function detectLanguage(text: string): string {
  const { language, pieces, accuracy } = vote(text, DOCUMENT_PIECE_CHARACTERS);
  const letters = text.slice(0, LETTERS_ENOUGH * 4).replaceAll(/\P{L}+/gu, '').length;
  if (pieces === 0 || letters < LETTERS_MIN) return UNDETERMINED;
  return letters >= LETTERS_ENOUGH || accuracy >= ACCURACY_MIN ? language : UNDETERMINED;
}

/** The language of a passage in a document of a known one: that one, unless the passage clearly differs. */
export function detectPassageLanguage(text: string, documentLanguage: string): string {
  const { language, share, pieces } = vote(text, PASSAGE_PIECE_CHARACTERS);
  return pieces >= PASSAGE_PIECES_MIN && share >= PASSAGE_SHARE_MIN ? language : documentLanguage;
}

interface Vote {
  readonly language: string;
  /** Pieces that had an opinion, the share of them that agrees, and how sure the surest of those is. */
  readonly pieces: number;
  readonly share: number;
  readonly accuracy: number;
}

function vote(text: string, pieceCharacters: number): Vote {
  const ballots = new Map<string, { votes: number; accuracy: number }>();
  for (const piece of sample(text, pieceCharacters)) {
    const [best] = detectAll(piece.replaceAll(/[^\p{L}\s]+/gu, ' '));
    if (!best) continue;
    const ballot = ballots.get(best.lang);
    const accuracy = Math.max(best.accuracy, ballot?.accuracy ?? 0);
    ballots.set(best.lang, { votes: (ballot?.votes ?? 0) + 1, accuracy });
  }
  const pieces = [...ballots.values()].reduce((sum, ballot) => sum + ballot.votes, 0);
  const [winner] = [...ballots].sort(([, a], [, b]) => b.votes - a.votes || b.accuracy - a.accuracy);
  if (!winner) return { language: UNDETERMINED, pieces: 0, share: 0, accuracy: 0 };
  return { language: winner[0], pieces, share: winner[1].votes / pieces, accuracy: winner[1].accuracy };
}

/** Pieces of a length from all over the text. */
function sample(text: string, pieceCharacters: number): string[] {
  const count = Math.min(PIECES_MAX, Math.max(1, Math.floor(text.length / pieceCharacters)));
  const stride = text.length / count;
  return Array.from({ length: count }, (_, i) => text.slice(i * stride, i * stride + pieceCharacters));
}

/** PostgreSQL's text search configurations by language (those that come with every PostgreSQL since 14). */
const TEXT_SEARCH_CONFIGURATIONS: Readonly<Record<string, string>> = {
  ar: 'arabic',
  ca: 'catalan',
  da: 'danish',
  de: 'german',
  el: 'greek',
  en: 'english',
  es: 'spanish',
  eu: 'basque',
  fi: 'finnish',
  fr: 'french',
  ga: 'irish',
  hi: 'hindi',
  hu: 'hungarian',
  hy: 'armenian',
  id: 'indonesian',
  it: 'italian',
  lt: 'lithuanian',
  ne: 'nepali',
  nl: 'dutch',
  no: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  sr: 'serbian',
  sv: 'swedish',
  ta: 'tamil',
  tr: 'turkish',
  yi: 'yiddish',
};

/** The configuration that stems a language; `simple`, which only folds case, where PostgreSQL knows none. */
export function textSearchConfiguration(language: string): string {
  return TEXT_SEARCH_CONFIGURATIONS[language] ?? 'simple';
}
