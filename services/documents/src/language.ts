import { detectAll } from 'tinyld';
import { languageByFunctionWords } from './function-words.ts';

/** No language: too little text, or none that is known. */
export const UNDETERMINED = 'und';

/** Below as many letters a guess is no better than chance; up to the second bound it must be a sure one. */
const LETTERS_MIN = 24;
const LETTERS_MIN_OF_OTHER_SCRIPTS = 8;
const LETTERS_ENOUGH = 120;
const ACCURACY_MIN = 0.3;
/** Enough for a stable answer. */
const SAMPLE_CHARACTERS_MAX = 6_000;
/**
 * Pieces that vote where function words do not decide. One detection over a long text is misled by a single foreign
 * letter: a π makes it Greek.
 */
const PIECES_MAX = 15;
const PIECE_CHARACTERS = 300;
/** A passage is taken to be in another language than its document only on firm evidence. */
const PASSAGE_LETTERS_MIN = 160;

/** The BCP 47 primary language of a text, or `und`. */
export function detectLanguage(text: string): string {
  const sample = spread(text, SAMPLE_CHARACTERS_MAX / PIECE_CHARACTERS).join(' ');
  return languageByFunctionWords(sample) ?? languageByLetters(text) ?? UNDETERMINED;
}

/** The language of a passage in a document of a known one: that one, unless the passage clearly differs. */
export function detectPassageLanguage(text: string, documentLanguage: string): string {
  if (letterCount(text) < PASSAGE_LETTERS_MIN) return documentLanguage;
  return languageByFunctionWords(text) ?? documentLanguage;
}

/** By the groups of letters that occur; the piece-wise majority. Decides for other scripts, and for languages not known above. */
function languageByLetters(text: string): string | undefined {
  const ballots = new Map<string, { votes: number; accuracy: number }>();
  for (const piece of spread(text, PIECES_MAX)) {
    const [best] = detectAll(piece.replaceAll(/[^\p{L}\s]+/gu, ' '));
    if (!best) continue;
    const ballot = ballots.get(best.lang);
    ballots.set(best.lang, {
      votes: (ballot?.votes ?? 0) + 1,
      accuracy: Math.max(best.accuracy, ballot?.accuracy ?? 0),
    });
  }
  const [winner] = [...ballots].sort(([, a], [, b]) => b.votes - a.votes || b.accuracy - a.accuracy);
  const letters = letterCount(text);
  const isOther = isOfOtherScript(text);
  if (!winner || letters < (isOther ? LETTERS_MIN_OF_OTHER_SCRIPTS : LETTERS_MIN)) return undefined;
  // Latin letters without any function words: names, code, figures. A guess at those would only be one.
  if (!isOther && letters >= LETTERS_ENOUGH) return undefined;
  return winner[1].accuracy >= ACCURACY_MIN ? winner[0] : undefined;
}

function isOfOtherScript(text: string): boolean {
  const latin = text.match(/\p{sc=Latin}/gu)?.length ?? 0;
  return letterCount(text) - latin > latin / 2;
}

function letterCount(text: string): number {
  return text.replaceAll(/\P{L}+/gu, '').length;
}

/** Pieces of equal length from all over the text: a preface or an appendix may be in another language than the rest. */
function spread(text: string, piecesMax: number): string[] {
  const count = Math.min(piecesMax, Math.max(1, Math.floor(text.length / PIECE_CHARACTERS)));
  const stride = text.length / count;
  return Array.from({ length: count }, (_, i) => text.slice(i * stride, i * stride + PIECE_CHARACTERS));
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

/**
 * The configuration that stems a language; `simple`, which only folds case, where PostgreSQL knows none. Text of no certain
 * language is names, figures and headings, most of them English.
 */
export function textSearchConfiguration(language: string): string {
  if (language === UNDETERMINED) return 'english';
  return TEXT_SEARCH_CONFIGURATIONS[language] ?? 'simple';
}
