import { type Draft, unwrap, visibleLength } from '../draft.ts';
import { blocksOf } from './pdf.blocks.ts';
import { titleKey, withoutFurniture } from './pdf.furniture.ts';
import { headingLevels } from './pdf.headings.ts';
import { bodySize, type PdfPage } from './pdf.page.ts';
import { readPdf } from './pdf.reader.ts';

/** A title is set at least as much larger than the text. */
const TITLE_LARGER = 1.3;
const TITLE_CHARACTERS_MAX = 160;

/** Reads the text of a PDF file with its headings, code and tables; page by page, so that the page is known. */
export async function extractPdf(bytes: Uint8Array, name: string, signal: AbortSignal): Promise<Draft> {
  const pdf = await readPdf(bytes, name, signal);
  const size = bodySize(pdf.pages);
  const pages = withoutFurniture(pdf.pages, new Set(pdf.bookmarks.map((bookmark) => titleKey(bookmark.title))));
  const levelOf = headingLevels(pages, pdf.bookmarks, size);
  const title = pdf.title ?? largestText(pages[0], size);
  return {
    blocks: blocksOf(
      pages.flatMap((page) => page.lines),
      levelOf,
    ),
    charactersFound: pdf.pages.reduce(
      (sum, page) => sum + visibleLength(page.lines.map((line) => line.text).join('')),
      0,
    ),
    ...(title && { title }),
    ...(pdf.language && { language: pdf.language }),
  };
}

/** The title page's largest letters say what the document is called. */
function largestText(page: PdfPage | undefined, size: number): string | undefined {
  const largest = Math.max(0, ...(page?.lines.map((line) => line.size) ?? []));
  if (!page || largest < size * TITLE_LARGER) return undefined;
  const lines = page.lines.filter((line) => line.size > largest * 0.95);
  const title = unwrap(lines.map((line) => line.text).join(' '));
  return title.length <= TITLE_CHARACTERS_MAX ? title : undefined;
}
