/** Printed text files carry a header and footer on each page, with only the page number changing. */
const REPEATED_MIN = 3;
const EDGE_LINES_MAX = 2;
/** Of a page's lines; on a page of a few lines, the second one is already text. */
const EDGE_SHARE = 0.25;
/** Enough of a page's end to see whether a sentence ends there. */
const SEAM_CHARACTERS = 40;

/** Removes form feeds, and the headers and footers that repeat from page to page (RFCs, printed manuals). */
export function withoutPageFurniture(text: string): string {
  const pages = text.split('\f').map((page) => page.split('\n'));
  if (pages.length < REPEATED_MIN) return text.replaceAll('\f', '\n');
  const seen = new Map<string, number>();
  for (const page of pages) {
    for (const line of new Set(edges(page).map((at) => shape(page[at] ?? ''))))
      seen.set(line, (seen.get(line) ?? 0) + 1);
  }
  const body = pages.map((page) => {
    const furniture = new Set(edges(page).filter((at) => (seen.get(shape(page[at] ?? '')) ?? 0) >= REPEATED_MIN));
    const kept = page.filter((_, at) => !furniture.has(at));
    return trimEmptyLines(kept);
  });
  return joinPages(body);
}

/** Where the first and the last lines with text stand. */
function edges(page: readonly string[]): number[] {
  const filled = page.flatMap((line, at) => (line.trim() === '' ? [] : [at]));
  const count = Math.min(EDGE_LINES_MAX, Math.max(1, Math.floor(filled.length * EDGE_SHARE)));
  return [...filled.slice(0, count), ...filled.slice(-count)];
}

/** The line with what changes from page to page taken out. */
function shape(line: string): string {
  return line.replaceAll(/\d+/g, '#').replaceAll(/\s+/g, ' ').trim();
}

function trimEmptyLines(lines: readonly string[]): string[] {
  const isFilled = (line: string): boolean => line.trim() !== '';
  const first = lines.findIndex(isFilled);
  return first < 0 ? [] : lines.slice(first, lines.findLastIndex(isFilled) + 1);
}

/** A paragraph that a page break cut goes on: the last line ends no sentence and the next page starts in lower case. */
function joinPages(pages: readonly (readonly string[])[]): string {
  let text = '';
  for (const page of pages) {
    if (page.length === 0) continue;
    const goesOn = /[\p{L},]\s*$/u.test(text.slice(-SEAM_CHARACTERS)) && /^\s*\p{Ll}/u.test(page[0] ?? '');
    text += (text === '' ? '' : goesOn ? '\n' : '\n\n') + page.join('\n');
  }
  return text;
}
