import type { DraftBlock } from '../draft.ts';
import { tableLines } from '../table.ts';
import type { HeadingLevel } from './pdf.headings.ts';
import { MONOSPACED_WIDTH } from './pdf.lines.ts';
import type { PdfLine } from './pdf.page.ts';

/** In parts of the letter size. */
const PARAGRAPH_GAP = 1.65;
const INDENT = 0.8;
const TABLE_ROWS_MIN = 3;
const BULLET = /^(?:[•◦▪‣∗·–—*-]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+\S/;

type LineKind = 'heading' | 'code' | 'table' | 'text';

/** Makes blocks of lines in reading order. */
export function blocksOf(lines: readonly PdfLine[], levelOf: HeadingLevel): DraftBlock[] {
  const blocks: DraftBlock[] = [];
  for (const group of groups(lines, levelOf)) {
    const [first] = group.lines;
    if (!first) continue;
    blocks.push({ ...blockOf(group.kind, group.lines, levelOf(first)), page: first.page });
  }
  return blocks;
}

function blockOf(kind: LineKind, lines: readonly PdfLine[], level: number | undefined): DraftBlock {
  switch (kind) {
    case 'heading':
      return { kind: 'heading', level: level ?? 1, text: joinLines(lines) };
    case 'code':
      return { kind: 'code', text: codeText(lines) };
    case 'table':
      return { kind: 'table', text: tableLines(lines.map((line) => line.cells)) };
    case 'text':
      return { kind: 'paragraph', text: joinLines(lines) };
  }
}

/** Runs of lines of one kind that belong together. */
function groups(lines: readonly PdfLine[], levelOf: HeadingLevel): { kind: LineKind; lines: PdfLine[] }[] {
  const found: { kind: LineKind; lines: PdfLine[] }[] = [];
  const kinds = kindsOf(lines, levelOf);
  for (const [at, line] of lines.entries()) {
    const kind = kinds[at] ?? 'text';
    const group = found.at(-1);
    const last = group?.lines.at(-1);
    if (group && last && group.kind === kind && belongs(kind, last, line, levelOf)) group.lines.push(line);
    else found.push({ kind, lines: [line] });
  }
  return found;
}

function kindsOf(lines: readonly PdfLine[], levelOf: HeadingLevel): LineKind[] {
  const kinds = lines.map((line): LineKind => {
    if (levelOf(line) !== undefined) return 'heading';
    if (line.monospaced) return 'code';
    return line.cells.length > 1 ? 'table' : 'text';
  });
  for (const [at, line] of lines.entries()) {
    if (kinds[at] === 'code' && kinds[at - 1] === 'text' && continuesSentence(lines[at - 1], line)) kinds[at] = 'text';
  }
  // Two words that happen to stand apart make no table.
  for (let start = 0; start < kinds.length; ) {
    let end = start + 1;
    while (kinds[end] === kinds[start]) end++;
    if (kinds[start] === 'table' && end - start < TABLE_ROWS_MIN) kinds.fill('text', start, end);
    start = end;
  }
  return kinds;
}

/** A name in the typewriter's letters at the end of a sentence may fill a line of its own; it is no code. */
function continuesSentence(last: PdfLine | undefined, line: PdfLine): boolean {
  if (!last || last.page !== line.page || /[.:!?]["'”’)]?$/.test(last.text)) return false;
  return Math.abs(last.x - line.x) < line.size * INDENT && last.y - line.y < line.size * PARAGRAPH_GAP;
}

function belongs(kind: LineKind, last: PdfLine, line: PdfLine, levelOf: HeadingLevel): boolean {
  const isNextPage = line.page !== last.page;
  const gap = last.y - line.y;
  switch (kind) {
    case 'heading':
      return (
        !isNextPage &&
        levelOf(last) === levelOf(line) &&
        gap > 0 &&
        gap < line.size * PARAGRAPH_GAP &&
        last.size === line.size
      );
    case 'code':
    case 'table':
      return !isNextPage;
    case 'text':
      if (BULLET.test(line.text)) return false;
      if (isNextPage || gap < 0) return goesOn(last, line);
      if (gap > line.size * PARAGRAPH_GAP) return false;
      return line.x <= last.x + line.size * INDENT || BULLET.test(last.text) || !/[.:!?]["'”’)]?$/.test(last.text);
  }
}

/** A paragraph that a column or page break cuts ends no sentence, and goes on in lower case. */
function goesOn(last: PdfLine, line: PdfLine): boolean {
  return /[\p{L}\p{N},-]$/u.test(last.text) && /^[\p{Ll}(]/u.test(line.text);
}

/** Joins lines to running text; a hyphen at the end of a line before a small letter is the typesetter's. */
function joinLines(lines: readonly PdfLine[]): string {
  let text = '';
  for (const line of lines) {
    const next = line.text.replaceAll(/\s+/g, ' ');
    if (/\p{L}-$/u.test(text) && /^\p{Ll}/u.test(next)) text = text.slice(0, -1) + next;
    else text += (text === '' ? '' : ' ') + next;
  }
  return withoutLigatures(text);
}

/** Code keeps its lines, and its indentation as far as the letters' width tells. */
function codeText(lines: readonly PdfLine[]): string {
  const left = Math.min(...lines.map((line) => line.x));
  return lines
    .map((line) => ' '.repeat(Math.round((line.x - left) / (line.size * MONOSPACED_WIDTH))) + line.text)
    .map(withoutLigatures)
    .join('\n');
}

function withoutLigatures(text: string): string {
  return text.replaceAll(/[\ufb00-\ufb06]/g, (ligature) => ligature.normalize('NFKC'));
}
