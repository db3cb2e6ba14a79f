import { appendFileSync } from 'node:fs';

/** Tells the run of all projects what a suite leaves out, and why, so that its summary names it. */
export function noteSkip(what: string, why: string): void {
  process.stdout.write(`${what} skipped: ${why}\n`);
  const file = process.env.MORAG_TEST_SKIPS;
  if (file) appendFileSync(file, `${JSON.stringify({ what, why })}\n`);
}
