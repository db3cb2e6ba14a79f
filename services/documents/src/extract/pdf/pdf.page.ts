/** One line of a page, put together from the runs of glyphs that stand on it. */
export interface PdfLine {
  readonly text: string;
  /** The parts of the line that wide gaps hold apart; one for running text. */
  readonly cells: readonly string[];
  readonly page: number;
  /** Left and right end and baseline, in points from the page's lower left corner. */
  readonly x: number;
  readonly right: number;
  readonly y: number;
  /** Size of most of its letters, in points. */
  readonly size: number;
  readonly bold: boolean;
  readonly monospaced: boolean;
}

/** The lines of a page in reading order. */
export interface PdfPage {
  readonly number: number;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly PdfLine[];
}

/** A run of glyphs of one font. */
export interface PdfRun {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly size: number;
  readonly bold: boolean;
  readonly monospaced: boolean;
}

/** How often each key occurs, weighted; the most frequent one wins. */
export function mostFrequent(entries: Iterable<readonly [key: number, weight: number]>): number | undefined {
  const weights = new Map<number, number>();
  for (const [key, weight] of entries) weights.set(key, (weights.get(key) ?? 0) + weight);
  let best: number | undefined;
  for (const [key, weight] of weights) if (best === undefined || weight > (weights.get(best) ?? 0)) best = key;
  return best;
}

/** Sizes differ by rounding within one font. */
export function roundedSize(size: number): number {
  return Math.round(size * 2) / 2;
}

/** The size that most of the document is set in. */
export function bodySize(pages: readonly PdfPage[]): number {
  const weights = pages.flatMap((page) =>
    page.lines.map((line) => [roundedSize(line.size), line.text.length] as const),
  );
  return mostFrequent(weights) ?? 10;
}
