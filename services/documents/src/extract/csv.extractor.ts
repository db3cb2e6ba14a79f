import { type Draft, type DraftBlock, visibleLength } from './draft.ts';

/** Rows in one table block; the chunker packs rows, so this only bounds what is handled at once. */
const ROWS_PER_BLOCK = 200;
const DELIMITERS = [',', ';', '\t', '|'] as const;

/** Reads comma-separated values (RFC 4180, any usual delimiter); each row becomes a line `Column: value; …`. */
export function extractCsv(text: string): Draft {
  const rows = parseCsv(text, delimiterOf(text)).filter((row) => row.some((cell) => cell.trim() !== ''));
  const [header, ...records] = rows;
  const lines =
    header && records.length > 0
      ? records.map((record) => describeRecord(header, record))
      : rows.map((row) => row.join('; '));
  const blocks: DraftBlock[] = [];
  for (let start = 0; start < lines.length; start += ROWS_PER_BLOCK) {
    blocks.push({ kind: 'list', text: lines.slice(start, start + ROWS_PER_BLOCK).join('\n') });
  }
  return { blocks, charactersFound: visibleLength(text) };
}

function describeRecord(header: readonly string[], record: readonly string[]): string {
  return record
    .map((cell, column) => {
      const name = header[column]?.trim();
      const value = cell.replaceAll(/\s+/g, ' ').trim();
      return value === '' ? '' : name ? `${name}: ${value}` : value;
    })
    .filter((part) => part !== '')
    .join('; ');
}

/** The delimiter that divides the first lines into the most columns. */
function delimiterOf(text: string): string {
  const sample = text.slice(0, 4096);
  const columns = (delimiter: string): number => parseCsv(sample, delimiter)[0]?.length ?? 0;
  return DELIMITERS.reduce((best, next) => (columns(next) > columns(best) ? next : best));
}

/** The cells of a table in CSV: quotes around a cell, doubled within it, may hold delimiters and newlines. */
export function parseCsv(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') cell += text[i++];
      else quoted = false;
    } else if (character === '"' && cell === '') quoted = true;
    else if (character === delimiter) {
      row.push(cell);
      cell = '';
    } else if (character === '\n') {
      rows.push([...row, cell.replace(/\r$/, '')]);
      row = [];
      cell = '';
    } else cell += character;
  }
  if (cell !== '' || row.length > 0) rows.push([...row, cell]);
  return rows;
}
