import { DomainError } from '@morag/errors';
import { getDocumentProxy } from 'unpdf';
import { inReadingOrder, linesOf } from './pdf.lines.ts';
import type { PdfPage, PdfRun } from './pdf.page.ts';

type PdfProxy = Awaited<ReturnType<typeof getDocumentProxy>>;
type PdfPageProxy = Awaited<ReturnType<PdfProxy['getPage']>>;

/** An entry of the file's own table of contents. */
export interface PdfBookmark {
  readonly title: string;
  /** 1 is the outermost. */
  readonly level: number;
}

/** A PDF file as lines. */
export interface PdfText {
  readonly title?: string;
  readonly language?: string;
  readonly bookmarks: readonly PdfBookmark[];
  readonly pages: readonly PdfPage[];
}

interface FontStyle {
  readonly bold: boolean;
  readonly monospaced: boolean;
}

const PLAIN: FontStyle = { bold: false, monospaced: false };
const BOLD_NAME = /bold|black|heavy|demi|cmbx|cmssbx|-medi\b/i;
const MONOSPACED_NAME = /mono|courier|typewriter|consol|menlo|cmtt|cmsltt|cmitt|sftt|ectt|fixed|nimbusmonl/i;
const BOOKMARK_LEVEL_MAX = 6;

/** Reads all pages. Throws UNREADABLE_FILE for a file that is damaged or locked by a password. */
export async function readPdf(bytes: Uint8Array, name: string, signal: AbortSignal): Promise<PdfText> {
  const pdf = await open(bytes, name);
  try {
    const fonts = new Map<string, FontStyle>();
    const pages: PdfPage[] = [];
    for (let number = 1; number <= pdf.numPages; number++) {
      signal.throwIfAborted();
      pages.push(await readPage(pdf, number, fonts));
    }
    const { title, language } = await metadata(pdf);
    return { pages, bookmarks: await bookmarksOf(pdf), ...(title && { title }), ...(language && { language }) };
  } catch (cause) {
    signal.throwIfAborted();
    throw unreadable(`${name} is damaged: not all of its pages can be read.`, cause);
  } finally {
    await pdf.loadingTask.destroy();
  }
}

async function open(bytes: Uint8Array, name: string): Promise<PdfProxy> {
  try {
    // A copy: pdf.js takes the memory over. It writes to the console unless told not to.
    return await getDocumentProxy(Uint8Array.from(bytes), { verbosity: 0, stopAtErrors: false });
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'PasswordException') {
      throw unreadable(`${name} is encrypted; it can be read only without its password.`, cause);
    }
    throw unreadable(`${name} is not a readable PDF file.`, cause);
  }
}

async function readPage(pdf: PdfProxy, number: number, fonts: Map<string, FontStyle>): Promise<PdfPage> {
  const page = await pdf.getPage(number);
  const { items } = await page.getTextContent();
  const glyphs = items.filter((item) => 'str' in item);
  await learnFonts(page, new Set(glyphs.filter((item) => item.str.trim() !== '').map((item) => item.fontName)), fonts);
  const runs = glyphs.flatMap((item): PdfRun[] => {
    const [a = 0, b = 0, , , x = 0, y = 0] = item.transform as number[];
    // Turned text is a watermark or an axis of a figure.
    if (item.str === '' || Math.abs(b) > Math.abs(a)) return [];
    const { bold, monospaced } = fonts.get(item.fontName) ?? PLAIN;
    return [{ text: item.str, x, y, width: item.width, size: Math.abs(a), bold, monospaced }];
  });
  const [left = 0, bottom = 0, right = 0, top = 0] = page.view;
  page.cleanup();
  const width = right - left;
  return { number, width, height: top - bottom, lines: inReadingOrder(linesOf(runs, number), width) };
}

/** Names of fonts come with a page's drawing instructions, which are read only where an unknown font appears. */
async function learnFonts(
  page: PdfPageProxy,
  names: ReadonlySet<string>,
  fonts: Map<string, FontStyle>,
): Promise<void> {
  const unknown = [...names].filter((name) => !fonts.has(name));
  if (unknown.length === 0) return;
  await page.getOperatorList();
  for (const name of unknown) {
    const font = page.commonObjs.has(name) ? (page.commonObjs.get(name) as { name?: string } | null)?.name : undefined;
    fonts.set(
      name,
      font === undefined ? PLAIN : { bold: BOLD_NAME.test(font), monospaced: MONOSPACED_NAME.test(font) },
    );
  }
}

async function metadata(pdf: PdfProxy): Promise<{ title?: string; language?: string }> {
  const { info } = (await pdf.getMetadata()) as { info: { Title?: unknown; Language?: unknown } };
  const title = typeof info.Title === 'string' && isTitle(info.Title) ? info.Title : undefined;
  const language =
    typeof info.Language === 'string' ? /^[a-z]{2,3}(?=$|-)/i.exec(info.Language)?.[0].toLowerCase() : undefined;
  return { ...(title && { title }), ...(language && { language }) };
}

/** Programs write their file names and placeholders there, too. */
function isTitle(title: string): boolean {
  return (
    /\p{L}.*\p{L}/u.test(title) &&
    !/\.(docx?|tex|dvi|indd|qxd|pdf|html?|fm|pptx?)\b|^untitled|^microsoft word/i.test(title)
  );
}

async function bookmarksOf(pdf: PdfProxy): Promise<PdfBookmark[]> {
  type Outline = Awaited<ReturnType<PdfProxy['getOutline']>>;
  const flatten = (items: Outline, level: number): PdfBookmark[] =>
    level > BOOKMARK_LEVEL_MAX
      ? []
      : items.flatMap((item) => [{ title: item.title, level }, ...flatten(item.items as Outline, level + 1)]);
  return flatten((await pdf.getOutline()) ?? [], 1);
}

function unreadable(message: string, cause: unknown): DomainError {
  return new DomainError('UNREADABLE_FILE', message, { cause });
}
