import type { Outcome } from '@morag/connectors-conformance';
import type { RecordedRuns } from './record.ts';

const SIGNS: Readonly<Record<Outcome, string>> = {
  passed: '✓',
  failed: '✗',
  skipped: '–',
  excepted: 'e',
  unexpected: '✗',
};

/** For the documentation: vendors across, cases down, and why something was left out. */
export function markdownTable(
  cases: readonly { readonly id: number; readonly title: string }[],
  runs: RecordedRuns,
): string {
  const vendors = Object.entries(runs);
  const row = (...cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const facts = [
    row('', ...vendors.map(([name]) => name)),
    row('---', ...vendors.map(() => ':---:')),
    row('server', ...vendors.map(([, { server }]) => server)),
    row('SDK', ...vendors.map(([, { sdk }]) => sdk)),
  ];
  const lines = cases.map(({ id, title }) =>
    row(`${id} ${title}`, ...vendors.map(([, { outcomes }]) => SIGNS[outcomes[id] as Outcome] ?? '')),
  );
  const notes = vendors.flatMap(([name, run]) => notesOf(name, run));
  const legend = '✓ passed, – left out (capability, or nothing to test it with), e listed exception, ✗ failed';
  return [...facts, ...lines, '', `${legend}.`, '', ...notes, ''].join('\n');
}

/** Reasons, each with the cases that it stands for. */
function notesOf(vendor: string, { outcomes, notes }: RecordedRuns[string]): string[] {
  const byReason = Map.groupBy(Object.entries(notes), ([id, note]) => `${SIGNS[outcomes[id] as Outcome]} ${note}`);
  return [...byReason].map(([reason, entries]) => {
    const [sign, ...note] = reason.split(' ');
    return `- ${vendor} ${entries.map(([id]) => id).join(', ')} ${sign}: ${note.join(' ')}`;
  });
}
