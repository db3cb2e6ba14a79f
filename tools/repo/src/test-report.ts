/** How many tests a run had; `skipped` ones did not run. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What the suites did not run, for example a vendor whose server is not installed, and why. */
export interface Skip {
  readonly what: string;
  readonly why: string;
}

/** Sums the lines that the projects' reporters appended to the file in MORAG_TEST_COUNTS. */
export function sumCounts(text: string): Counts {
  return lines(text)
    .map((line) => JSON.parse(line) as Counts)
    .reduce(
      (sum, { passed, failed, skipped }) => ({
        passed: sum.passed + passed,
        failed: sum.failed + failed,
        skipped: sum.skipped + skipped,
      }),
      { passed: 0, failed: 0, skipped: 0 },
    );
}

/** A run that broke before a reporter could count, or in which nothing ran, must not look like success. */
export function judge(counts: Counts, exitCode: number): { counts: Counts; complaint?: string } {
  if (counts.failed > 0) return { counts };
  const complaint =
    exitCode !== 0
      ? 'a project ended with an error before it reported its tests'
      : counts.passed === 0
        ? 'no test ran'
        : undefined;
  return complaint ? { counts: { ...counts, failed: 1 }, complaint } : { counts };
}

/** Reads the file in MORAG_TEST_SKIPS; suites of several projects may name the same thing. */
export function readSkips(text: string): Skip[] {
  return [...new Set(lines(text))].sort().map((line) => JSON.parse(line) as Skip);
}

/** The run's last line, which scripts read. */
export function summaryOf({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
