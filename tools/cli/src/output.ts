/** How a command shows what it found. */
export interface Output {
  /** Rows as a table for people, or the data as JSON. */
  table(rows: readonly Record<string, unknown>[], columns: readonly string[]): void;
  /** Text for people, or the data as JSON. */
  text(text: string, data: unknown): void;
}

/** Writes to standard output; with `json` everything is JSON. */
export function createOutput({ json }: { readonly json: boolean }): Output {
  const write = (text: string): void => void process.stdout.write(`${text}\n`);
  return {
    table: (rows, columns) => write(json ? JSON.stringify(rows, null, 2) : renderTable(rows, columns)),
    text: (text, data) => write(json ? JSON.stringify(data, null, 2) : text),
  };
}

function renderTable(rows: readonly Record<string, unknown>[], columns: readonly string[]): string {
  if (rows.length === 0) return 'none';
  const lines = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
