import { isContentsLine } from '../text.headings.ts';
import { bodySize, type PdfLine, type PdfPage } from './pdf.page.ts';

/** Headers and footers stand in these parts of the page, at the edge. */
const EDGE_ZONE = 0.13;
const EDGE_LINES = 2;
/** A line that repeats on as many pages is furniture. */
const REPEATED_MIN = 3;
/** So is any first or last line that stands, set off from the text, where this share of the pages has one. */
const SAME_PLACE_SHARE = 0.4;
/** In parts of the letter size: the distance that sets a header off, and what counts as the same place. */
const SET_OFF = 1.8;
const SAME_PLACE = 4;
/** Pages of contents or index hold at least as many such lines, and little else. */
const CONTENTS_LINES_MIN = 4;
const INDEX_SHARE_MIN = 0.5;
const INDEX_LINES_MIN = 12;

/** Leaves out headers, footers, page numbers, tables of contents and indexes: text about the text attracts every question. */
export function withoutFurniture(pages: readonly PdfPage[], bookmarks: ReadonlySet<string>): PdfPage[] {
  const furniture = furnitureOf(pages);
  return pages.map((page) => {
    const lines = page.lines.filter((line) => !furniture.has(line));
    return { ...page, lines: withoutContents(lines, bookmarks) };
  });
}

interface EdgeLine {
  readonly line: PdfLine;
  readonly isSetOff: boolean;
}

function furnitureOf(pages: readonly PdfPage[]): Set<PdfLine> {
  const size = bodySize(pages);
  const edges = pages.flatMap((page) =>
    edgeLines(page).map((line): EdgeLine => ({ line, isSetOff: isSetOff(page, line) })),
  );
  const shapes = countBy(edges, ({ line }) => shapeOf(line));
  const places = countBy(
    edges.filter((edge) => edge.isSetOff),
    ({ line }) => placeOf(line),
  );
  const samePlaceMin = Math.max(REPEATED_MIN, pages.length * SAME_PLACE_SHARE);
  const isFurniture = ({ line, isSetOff }: EdgeLine): boolean =>
    isPageNumber(line.text) ||
    (shapes.get(shapeOf(line)) ?? 0) >= REPEATED_MIN ||
    (isSetOff && line.size <= size * 1.1 && (places.get(placeOf(line)) ?? 0) >= samePlaceMin);
  return new Set(edges.filter(isFurniture).map(({ line }) => line));
}

function countBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

/** The outermost lines in the zones at the top and bottom. */
function edgeLines(page: PdfPage): PdfLine[] {
  const zone = page.height * EDGE_ZONE;
  const downwards = page.lines.toSorted((a, b) => b.y - a.y);
  const top = downwards.slice(0, EDGE_LINES).filter((line) => line.y > page.height - zone);
  const bottom = downwards.slice(-EDGE_LINES).filter((line) => line.y < zone);
  return [...top, ...bottom];
}

function isSetOff(page: PdfPage, line: PdfLine): boolean {
  const distances = page.lines.filter((other) => other !== line).map((other) => Math.abs(other.y - line.y));
  const nearest = Math.min(...distances.filter((distance) => distance > line.size * 0.3));
  return nearest > line.size * SET_OFF;
}

/** What stays the same from page to page, with its place: numbers do not. */
function shapeOf(line: PdfLine): string {
  return `${placeOf(line)} ${line.text.replaceAll(/\d+|\b[ivxlc]+\b/gi, '#').replaceAll(/\s+/g, ' ')}`;
}

function placeOf(line: PdfLine): number {
  return Math.round(line.y / SAME_PLACE);
}

function isPageNumber(text: string): boolean {
  return /^[\s\-–—|[\]]*(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s+of\s+\d+)?[\s\-–—|[\]]*$/i.test(text);
}

function withoutContents(lines: readonly PdfLine[], bookmarks: ReadonlySet<string>): readonly PdfLine[] {
  const isEntry = (line: PdfLine): boolean => isContentsLine(line.text) || isListedTitle(line.text, bookmarks);
  const entries = lines.filter(isEntry);
  if (entries.length >= CONTENTS_LINES_MIN)
    return entries.length > lines.length / 2 ? [] : lines.filter((line) => !isEntry(line));
  const references = lines.filter((line) =>
    /[\p{L})'"’”]\s*[,.]?\s+\d{1,4}(?:[,–-]\s*\d{1,4})*$/u.test(line.text),
  ).length;
  return references >= INDEX_LINES_MIN && references > lines.length * INDEX_SHARE_MIN ? [] : lines;
}

/** A title of the file's own contents followed by a page number. */
function isListedTitle(text: string, bookmarks: ReadonlySet<string>): boolean {
  const title = /^(.*\S)\s+\d{1,4}$/.exec(text)?.[1];
  return title !== undefined && bookmarks.has(titleKey(title));
}

/** Titles are compared by their letters and digits: files space and punctuate them differently in text and bookmarks. */
export function titleKey(title: string): string {
  return title
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '');
}
