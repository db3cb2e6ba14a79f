import { mostFrequent, type PdfLine, type PdfRun } from './pdf.page.ts';

/** In parts of the letter size: what still counts as one line, one word, one cell. */
const BASELINE_TOLERANCE = 0.5;
const WORD_GAP = 0.15;
const CELL_GAP = 1.8;
const BACKWARD_TOLERANCE = 1;

/** Puts runs together to lines, in the order in which they come; a line ends where the baseline or the column changes. */
export function linesOf(runs: readonly PdfRun[], page: number): PdfLine[] {
  const lines: PdfLine[] = [];
  let current: PdfRun[] = [];
  for (const run of runs) {
    // Wide spaces come as runs of their own; without them, a gap is a gap.
    if (run.text.trim() === '' && run.width > run.size * CELL_GAP) continue;
    const last = current.at(-1);
    if (last && !continues(last, run)) {
      lines.push(lineOf(current, page));
      current = [];
    }
    current.push(run);
  }
  if (current.length > 0) lines.push(lineOf(current, page));
  return lines.filter((line) => line.text !== '');
}

function continues(last: PdfRun, run: PdfRun): boolean {
  const size = Math.max(last.size, run.size);
  return (
    Math.abs(run.y - last.y) < size * BASELINE_TOLERANCE && run.x > last.x + last.width - size * BACKWARD_TOLERANCE
  );
}

function lineOf(runs: readonly PdfRun[], page: number): PdfLine {
  const cells: string[] = [];
  let cell = '';
  let right = runs[0]?.x ?? 0;
  for (const run of runs) {
    const gap = run.x - right;
    // In a font of one width, columns of code are no cells.
    if (gap > run.size * CELL_GAP && cell.trim() !== '' && !run.monospaced) {
      cells.push(cell.trim());
      cell = '';
    } else if (gap > run.size * WORD_GAP && cell !== '' && !cell.endsWith(' ')) {
      cell += run.monospaced ? ' '.repeat(Math.max(1, Math.round(gap / (run.size * MONOSPACED_WIDTH)))) : ' ';
    }
    cell += run.text;
    right = Math.max(right, run.x + run.width);
  }
  if (cell.trim() !== '') cells.push(cell.trim());
  const size = mostFrequent(runs.map((run) => [run.size, run.text.trim().length] as const)) ?? 0;
  return {
    text: cells.join('   '),
    cells,
    page,
    x: runs[0]?.x ?? 0,
    right,
    y: runs.find((run) => run.size === size)?.y ?? 0,
    size,
    bold: mostly(runs, (run) => run.bold),
    monospaced: mostly(runs, (run) => run.monospaced),
  };
}

/** Width of a letter in parts of its size, in the usual fonts of one width. */
export const MONOSPACED_WIDTH = 0.55;

function mostly(runs: readonly PdfRun[], is: (run: PdfRun) => boolean): boolean {
  const letters = (some: readonly PdfRun[]): number => some.reduce((sum, run) => sum + run.text.trim().length, 0);
  return letters(runs.filter(is)) > letters(runs) * 0.8;
}

/** Upward jumps that a page has anyway: headers, footnotes, the second column. */
const JUMPS_MAX = 4;
/** The share of lines that must keep to one side of the middle for a page of two columns. */
const ONE_SIDED_MIN = 0.7;
const SIDE_MIN = 0.2;

/** Most files hold their text in reading order. Where one clearly does not, the lines are sorted, column by column. */
export function inReadingOrder(lines: readonly PdfLine[], width: number): readonly PdfLine[] {
  const jumps = lines.filter((line, at) => at > 0 && line.y > (lines[at - 1]?.y ?? 0) + line.size).length;
  if (jumps <= Math.max(JUMPS_MAX, lines.length * 0.1)) return lines;
  const middle = width / 2;
  const left = lines.filter((line) => line.right < middle + line.size);
  const right = lines.filter((line) => line.x > middle - line.size && !left.includes(line));
  const twoColumns =
    left.length + right.length > lines.length * ONE_SIDED_MIN &&
    Math.min(left.length, right.length) > lines.length * SIDE_MIN;
  if (!twoColumns) return downwards(lines);
  const top = Math.max(...left.map((line) => line.y), ...right.map((line) => line.y));
  const across = lines.filter((line) => !left.includes(line) && !right.includes(line));
  return [
    ...downwards(across.filter((line) => line.y > top)),
    ...downwards(left),
    ...downwards(right),
    ...downwards(across.filter((line) => line.y <= top)),
  ];
}

function downwards(lines: readonly PdfLine[]): PdfLine[] {
  return lines.toSorted((a, b) =>
    Math.abs(b.y - a.y) < Math.min(a.size, b.size) * BASELINE_TOLERANCE ? a.x - b.x : b.y - a.y,
  );
}
