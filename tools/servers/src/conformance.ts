import { parseArgs } from 'node:util';
import {
  CASES,
  type CaseResult,
  type Harness,
  isClean,
  leakResult,
  runCase,
  watchLeaks,
} from '@morag/connectors-conformance';
import { LabError } from './lab-server.ts';
import { recordRuns } from './report/record.ts';
import { textTable } from './report/text-table.ts';
import type { VendorReport } from './report/vendor-report.ts';
import { VENDORS } from './vendors.ts';

const USAGE = `usage: npm run conformance [-- VENDOR…] [--json] [--case N]… [--verbose] [--write]
vendors: ${Object.keys(VENDORS).join(', ')}; all of them when none is named
--write puts the outcome of all cases into docs/connectors.md
MORAG_CONFORMANCE_<VENDOR>_URL (with _API_KEY, _USERNAME, _PASSWORD) takes a server that runs already
`;

/** To be stopped when the run is interrupted. */
let running: Harness | undefined;

class UsageError extends LabError {}

async function main(args: readonly string[]): Promise<boolean> {
  const { vendors, json, cases, verbose, write } = read(args);
  const reports: VendorReport[] = [];
  for (const vendor of vendors) reports.push(await runVendor(vendor, cases, verbose));
  if (json) process.stdout.write(`${JSON.stringify(reports.map(withoutErrors), undefined, 2)}\n`);
  else process.stdout.write(textTable(reports));
  if (write) recordRuns(reports);
  return reports.every(({ results }) => isClean(results));
}

async function runVendor(vendor: string, cases: readonly number[], verbose: boolean): Promise<VendorReport> {
  const leaks = watchLeaks();
  const harness = await VENDORS[vendor]?.harness();
  if (!harness)
    throw new LabError(`There is no server: MORAG_CONFORMANCE_${vendor.toUpperCase()}_URL has to name one.`);
  process.stderr.write(`${vendor}: ${harness.server}\n`);
  const results: CaseResult[] = [];
  running = harness;
  try {
    for (const each of CASES) {
      if (cases.length > 0 && !cases.includes(each.id)) continue;
      results.push(tell(vendor, await runCase(harness, each), verbose));
    }
  } finally {
    running = undefined;
    await harness.stop();
  }
  results.push(tell(vendor, await leakResult(leaks), verbose));
  return { vendor, server: harness.server, results };
}

function tell(vendor: string, result: CaseResult, verbose: boolean): CaseResult {
  const { id, title, outcome, note, error, durationMs } = result;
  if (verbose || outcome === 'failed' || outcome === 'unexpected') {
    process.stderr.write(`${vendor} ${id} ${title}: ${outcome}, ${durationMs} ms${note ? `, ${note}` : ''}\n`);
    if (verbose && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  }
  return result;
}

function withoutErrors({ vendor, server, results }: VendorReport) {
  return { vendor, server, results: results.map(({ error: _, ...result }) => result) };
}

function read(args: readonly string[]) {
  const options = {
    json: { type: 'boolean' },
    verbose: { type: 'boolean' },
    write: { type: 'boolean' },
    case: { type: 'string', multiple: true },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const vendors = positionals.length > 0 ? positionals : Object.keys(VENDORS);
    const unknown = vendors.find((vendor) => !(vendor in VENDORS));
    if (unknown !== undefined) throw new Error(`There is no connector for ${unknown} in this version.`);
    const cases = (values.case ?? []).map(Number);
    if (cases.some((id) => !CASES.some((each) => each.id === id))) throw new Error('There is no such case.');
    if (values.write && cases.length > 0) throw new Error('--write takes a run of all cases.');
    const { json = false, verbose = false, write = false } = values;
    return { vendors, cases, json, verbose, write };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

process.once('SIGINT', () => {
  void Promise.resolve(running?.stop()).finally(() => process.exit(130));
});
await main(process.argv.slice(2)).then(
  (clean) => {
    process.exitCode = clean ? 0 : 1;
  },
  (error: unknown) => {
    process.stderr.write(`${(error instanceof LabError ? error.message : String(error)).trimEnd()}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
