import { countOf, passedAndFailed, type VendorReport } from './vendor-report.ts';

const SIGNS = { passed: 'ok', failed: 'FAILED', skipped: '-', excepted: 'except', unexpected: 'PASSES' } as const;

/** For a terminal: cases down, vendors across, and below it the notes that a reader needs. */
export function textTable(reports: readonly VendorReport[]): string {
  const titles = new Map(reports.flatMap(({ results }) => results.map(({ id, title }) => [id, title] as const)));
  const width = Math.max(10, ...reports.map(({ vendor }) => vendor.length + 1));
  const row = (start: string, cells: readonly string[]) =>
    `${start}${cells.map((cell) => cell.padEnd(width)).join('')}`.trimEnd();
  const vendors = reports.map(({ vendor }) => vendor);
  const lines = [row('case'.padEnd(6), vendors)];
  for (const [id, title] of titles) {
    const cells = reports.map(({ results }) => {
      const result = results.find((each) => each.id === id);
      return result ? SIGNS[result.outcome] : '';
    });
    lines.push(`${row(String(id).padEnd(6), cells).padEnd(6 + width * reports.length)}${title}`);
  }
  lines.push('', ...reports.flatMap(notesOf), passedAndFailed(reports.flatMap(({ results }) => results)));
  return `${lines.join('\n')}\n`;
}

function notesOf({ vendor, server, results }: VendorReport): string[] {
  const sums = [
    passedAndFailed(results),
    `${countOf(results, 'skipped')} skipped`,
    `${countOf(results, 'excepted')} excepted`,
  ];
  const notes = results.filter(({ outcome, note }) => outcome !== 'passed' && note);
  return [
    `${vendor} (${server}): ${sums.join(', ')}`,
    ...notes.map(({ id, outcome, note }) => `  ${id} ${outcome}: ${note}`),
  ];
}
