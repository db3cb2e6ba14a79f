import { titleKey } from './pdf.furniture.ts';
import { mostFrequent, type PdfLine, type PdfPage, roundedSize } from './pdf.page.ts';
import type { PdfBookmark } from './pdf.reader.ts';

/** In parts of the text's letter size: what is clearly larger. */
const LARGER = 1.12;
const HEADING_CHARACTERS_MAX = 140;
const LEVEL_MAX = 6;

/** Tells the level of a heading; undefined for a line that is none. */
export type HeadingLevel = (line: PdfLine) => number | undefined;

/** Headings are the lines that the bookmarks name, and those in larger or bold letters; larger ones stand higher. */
export function headingLevels(
  pages: readonly PdfPage[],
  bookmarks: readonly PdfBookmark[],
  size: number,
): HeadingLevel {
  const levels = new Map(bookmarks.map((bookmark) => [titleKey(bookmark.title), bookmark.level]));
  const bookmarkLevel = (line: PdfLine): number | undefined => {
    const key = titleKey(line.text);
    return levels.get(key) ?? levels.get(key.replace(/^(?:chapter|appendix|part)?\d+/, ''));
  };
  const isLarge = (line: PdfLine): boolean => isShort(line) && line.size >= size * LARGER && !line.monospaced;
  const isBold = (line: PdfLine): boolean =>
    isShort(line) &&
    line.bold &&
    !line.monospaced &&
    line.size >= size * 0.98 &&
    /^[\p{Lu}\p{N}].*[^.,;:]$/u.test(line.text);

  const large = pages.flatMap((page) => page.lines.filter(isLarge));
  const sizes = [...new Set(large.map((line) => roundedSize(line.size)))].sort((a, b) => b - a);
  const levelOfSize = new Map(
    sizes.map((each, rank) => {
      const known = large.filter((line) => roundedSize(line.size) === each).map(bookmarkLevel);
      const usual = mostFrequent(known.flatMap((level) => (level === undefined ? [] : [[level, 1] as const])));
      return [each, usual ?? Math.min(rank + 1, LEVEL_MAX)];
    }),
  );
  const deepest = Math.max(0, ...levelOfSize.values());

  return (line) => {
    if (isLarge(line)) return bookmarkLevel(line) ?? levelOfSize.get(roundedSize(line.size));
    if (isBold(line)) return bookmarkLevel(line) ?? Math.min(deepest + 1, LEVEL_MAX);
    return undefined;
  };
}

function isShort(line: PdfLine): boolean {
  return line.text.length <= HEADING_CHARACTERS_MAX && /\p{L}{2}/u.test(line.text);
}
