import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CASES, LEAK_CASE, type Outcome } from '@morag/connectors-conformance';
import { VENDORS } from '../vendors.ts';
import { markdownTable } from './markdown-table.ts';
import type { VendorReport } from './vendor-report.ts';

/** The last full run over one vendor, as it is kept in the repository. */
export interface RecordedRun {
  readonly server: string;
  /** The SDK's package with the version that it was run with. */
  readonly sdk: string;
  /** By the cases' numbers. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** Why a case was skipped or excepted. */
  readonly notes: Readonly<Record<string, string>>;
}

export type RecordedRuns = Readonly<Record<string, RecordedRun>>;

const path = (name: string) => fileURLToPath(new URL(`../../../../${name}`, import.meta.url));
const RECORD = path('docs/conformance.json');
const PAGE = path('docs/connectors.md');
const TABLE = /(<!-- conformance: [^\n]*-->\n)[^]*?(<!-- \/conformance -->)/;

export function readRuns(): RecordedRuns {
  return existsSync(RECORD) ? (JSON.parse(readFileSync(RECORD, 'utf8')) as RecordedRuns) : {};
}

/** Keeps the runs beside those of other vendors, and writes the table of all of them into the page. */
export function recordRuns(reports: readonly VendorReport[]): void {
  const known = { ...readRuns(), ...Object.fromEntries(reports.map((report) => [report.vendor, runOf(report)])) };
  const names = Object.keys(VENDORS).filter((name) => known[name]);
  const runs = Object.fromEntries(names.map((name) => [name, known[name] as RecordedRun]));
  writeFileSync(RECORD, `${JSON.stringify(runs, undefined, 2)}\n`);
  writeFileSync(PAGE, withTable(readPage(), runs));
}

export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

/** The page with the table of these runs in its place. */
export function withTable(page: string, runs: RecordedRuns): string {
  const cases = [...CASES, LEAK_CASE].map(({ id, title }) => ({ id, title }));
  return page.replace(TABLE, (_, start: string, end: string) => `${start}\n${markdownTable(cases, runs)}\n${end}`);
}

/** The SDK that a vendor's package names, with its version. */
export function sdkOf(vendor: string): string {
  const name = VENDORS[vendor]?.sdk ?? '';
  const manifest = readFileSync(path(`libs/connectors/${vendor}/package.json`), 'utf8');
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> };
  return `${name} ${dependencies[name] ?? '?'}`;
}

function runOf({ vendor, server, results }: VendorReport): RecordedRun {
  const noted = results.filter(({ outcome, note }) => note && (outcome === 'skipped' || outcome === 'excepted'));
  return {
    server,
    sdk: sdkOf(vendor),
    outcomes: Object.fromEntries(results.map(({ id, outcome }) => [id, outcome])),
    notes: Object.fromEntries(noted.map(({ id, note = '' }) => [id, note])),
  };
}
