/** A heading at the start of a run of lines, and how many of them it takes. */
export interface TextHeading {
  readonly text: string;
  readonly level: number;
  readonly lines: number;
}

const HEADING_CHARACTERS_MAX = 80;
const HEADING_WORDS_MAX = 12;
const CONTENTS_LINE_CHARACTERS_MAX = 250;
/** Underlines in the order of weight that most writers give them. */
const UNDERLINES = ['=', '-', '~', '^', '"', '*', '#', '+', '.'];

/** Recognises underlined, numbered and capitalised headings, and those that manuals and RFCs set apart. */
export function findHeading(lines: readonly string[], next: readonly string[] | undefined): TextHeading | undefined {
  const [first = '', second] = lines;
  const text = first.trim();
  if (text.length > HEADING_CHARACTERS_MAX || text.split(/\s+/).length > HEADING_WORDS_MAX) return undefined;
  const underline = second === undefined ? undefined : underlineLevel(text, second.trim());
  if (underline !== undefined) return { text, level: underline, lines: 2 };
  const isAlone = lines.length === 1 && next !== undefined;
  const hasIndentedBody = second !== undefined && indentOf(second) > indentOf(first);
  if (isCapitalised(text) && indentOf(first) === 0 && (isAlone || hasIndentedBody)) return { text, level: 1, lines: 1 };
  if (!isAlone) return undefined;
  const level = numberedLevel(text);
  return level === undefined || isNumberedList(next) ? undefined : { text, level, lines: 1 };
}

function underlineLevel(text: string, line: string): number | undefined {
  const mark = /^([=\-~^"*#+.])\1{2,}$/.exec(line)?.[1];
  if (mark === undefined || text.length < 2 || line.length < text.length * 0.6 || line.length > text.length + 8)
    return undefined;
  return /\p{L}/u.test(text) ? Math.min(UNDERLINES.indexOf(mark) + 1, 6) : undefined;
}

function isCapitalised(text: string): boolean {
  return /\p{Lu}.*\p{Lu}/u.test(text) && !/\p{Ll}/u.test(text) && !/[;{}=<>|]/.test(text) && /^[\p{Lu}\d]/u.test(text);
}

/** `1.`, `2.3`, `A.1`, `Chapter 4`, `Appendix B`: as deep as its number has parts. */
function numberedLevel(text: string): number | undefined {
  if (/[.,;:]$/.test(text)) return undefined;
  if (/^(chapter|part|appendix)\s+[\dIVXLA-Z]+\b/i.test(text)) return 1;
  const number = /^((?:\d{1,3}|[A-Z])(?:\.\d{1,3})*)\.?\s+\p{Lu}/u.exec(text)?.[1];
  // A single letter without a dot is an article or an initial rather than an appendix.
  if (number === undefined || /^[A-Z]$/.test(number)) return undefined;
  return Math.min(number.split('.').length, 6);
}

/** `2. …` right after `1. …` makes a list of the two, not sections. */
function isNumberedList(next: readonly string[] | undefined): boolean {
  return next?.length === 1 && /^\s*\d{1,3}[.)]\s/.test(next[0] ?? '') && !/^\s*\d+\.\d/.test(next[0] ?? '');
}

/** A line of a table of contents: dots lead from a title to its page. */
export function isContentsLine(line: string): boolean {
  return line.length <= CONTENTS_LINE_CHARACTERS_MAX && /(?:\.\s?){5,}\s*(?:\d+|[ivxlc]+)\s*$/i.test(line);
}

/** The name in the first line of a formatted manual page: `GIT-REBASE(1)   Git Manual   GIT-REBASE(1)`. */
export function manualTitle(text: string): string | undefined {
  return /^\s*(\S+\(\d\w*\))\s+.*\1\s*$/m.exec(text.slice(0, 400))?.[1];
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
