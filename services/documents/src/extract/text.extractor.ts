import { type Draft, type DraftBlock, unwrap, visibleLength } from './draft.ts';
import { findHeading, isContentsLine, manualTitle } from './text.headings.ts';
import { withoutPageFurniture } from './text.pages.ts';

/** Lines of running text are about as long as the page is wide; shorter ones are verses, addresses, menus. */
const WRAPPED_LINE_MIN = 50;
/** How much deeper than running text code and examples are usually set. */
const CODE_INDENT = 4;
/** A table shows within as much of its lines; longer ones are no lines for people. */
const TABLE_CHARACTERS_MAX = 250;
const BULLET = /^\s*(?:[-*+•o]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S/;

/** Reads plain text: paragraphs between blank lines, headings by their looks, lists, tables and code as they stand. */
export function extractText(source: string): Draft {
  const text = withoutPageFurniture(withoutOverstrike(source.replaceAll(/\r\n?/g, '\n'))).replaceAll('\t', '        ');
  const groups = paragraphs(text);
  const indent = bodyIndent(groups);
  const blocks = groups.flatMap((lines, at) => blocksOf(lines, groups[at + 1], indent));
  const title = manualTitle(text);
  return { blocks, charactersFound: visibleLength(source), ...(title && { title }) };
}

/** Formatted manual pages print bold and underlined characters over each other with backspaces. */
function withoutOverstrike(text: string): string {
  return text.includes('\b') ? text.replaceAll(/.[\b]/g, '') : text;
}

/** The runs of lines between blank lines, without lines of a table of contents. */
function paragraphs(text: string): string[][] {
  return text
    .split(/\n[ \t]*\n/)
    .map((part) => part.split('\n').filter((line) => line.trim() !== '' && !isContentsLine(line)))
    .filter((lines) => lines.length > 0);
}

function blocksOf(lines: readonly string[], next: readonly string[] | undefined, indent: number): DraftBlock[] {
  const heading = findHeading(lines, next);
  if (!heading) return [body(lines, indent)];
  const rest = lines.slice(heading.lines);
  const block: DraftBlock = { kind: 'heading', level: heading.level, text: heading.text };
  return rest.length === 0 ? [block] : [block, body(rest, indent)];
}

function body(lines: readonly string[], indent: number): DraftBlock {
  if (isTable(lines)) return { kind: 'table', text: lines.filter((line) => !/^[\s|+=:-]+$/.test(line)).join('\n') };
  if (BULLET.test(lines[0] ?? '')) return { kind: 'list', text: items(lines).join('\n') };
  const own = lines.reduce((least, line) => Math.min(least, indentOf(line)), Number.POSITIVE_INFINITY);
  const longest = lines.reduce((most, line) => Math.max(most, line.trim().length), 0);
  if (looksLikeCode(lines) || (own >= indent + CODE_INDENT && longest < WRAPPED_LINE_MIN)) {
    return { kind: 'code', text: lines.map((line) => line.slice(own)).join('\n') };
  }
  if (longest < WRAPPED_LINE_MIN && lines.length > 2)
    return { kind: 'list', text: lines.map((line) => line.trim()).join('\n') };
  return { kind: 'paragraph', text: unwrap(lines.join('\n')) };
}

/** Each item on a line of its own, continuation lines joined. */
function items(lines: readonly string[]): string[] {
  const joined: string[] = [];
  for (const line of lines) {
    if (joined.length === 0 || BULLET.test(line)) joined.push(line.trim());
    else joined[joined.length - 1] += ` ${line.trim()}`;
  }
  return joined;
}

/** Drawn with bars, or in columns that are held apart by spaces in most of at least three lines. */
function isTable(lines: readonly string[]): boolean {
  const starts = lines.map((line) => line.slice(0, TABLE_CHARACTERS_MAX));
  const barred = starts.filter((line) => /\|.*\||\+[-=]{2,}\+/.test(line)).length;
  const columned = starts.filter((line) => /\S {3,}\S+.* {3,}\S/.test(line)).length;
  return barred > lines.length / 2 || (lines.length >= 3 && columned > lines.length * 0.6);
}

/** Prose is letters and spaces; code has brackets, operators and ends of statements. */
function looksLikeCode(lines: readonly string[]): boolean {
  const text = lines.join('');
  const symbols = text.match(/[{}()[\];=<>$#\\/|&*~^`]/g)?.length ?? 0;
  return symbols > text.length * 0.12;
}

/** The indentation that most of the text is set at. */
function bodyIndent(groups: readonly (readonly string[])[]): number {
  const characters = new Map<number, number>();
  for (const line of groups.flat()) characters.set(indentOf(line), (characters.get(indentOf(line)) ?? 0) + line.length);
  return [...characters].reduce((best, next) => (next[1] > best[1] ? next : best), [0, 0] as [number, number])[0];
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
