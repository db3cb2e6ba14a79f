const CELL_SEPARATOR = ' | ';

/** A table as text: one line a row, the header first. Repeated on each piece when the table has to be cut. */
export function tableLines(rows: readonly (readonly string[])[]): string {
  return rows
    .map((row) => row.map((cell) => cell.replaceAll(/\s+/g, ' ').trim()))
    .filter((row) => row.some((cell) => cell !== ''))
    .map((row) => row.join(CELL_SEPARATOR))
    .join('\n');
}
