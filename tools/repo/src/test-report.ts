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

/** What became of all projects' tests. */
export interface Report {
  readonly counts: Counts;
  /** What is to be said of it beside the counts, in the order of the projects. */
  readonly complaints: readonly string[];
}

/** A line that a project's reporter appended to the file in MORAG_TEST_COUNTS. */
interface Line {
  readonly project: string;
  /** A test file. */
  readonly began?: string;
  /** An error that nobody caught. */
  readonly uncaught?: string;
  readonly counts?: Counts;
  readonly failures?: readonly { readonly file: string; readonly text: string }[];
}

/**
 * Sums up the lines of all projects' reporters and the exit code of the run. One that broke before its reporter could
 * count, or in which nothing ran, must not look like success.
 */
export function judge(text: string, exitCode: number): Report {
  const reported = lines(text).map((line) => JSON.parse(line) as Line);
  const counts = reported.flatMap((line) => line.counts ?? []).reduce(plus, { passed: 0, failed: 0, skipped: 0 });
  const failures = reported.flatMap(({ project, failures = [] }) =>
    failures.map((failure) => `FAILED ${project} ${failure.file}\n${failure.text}`),
  );
  const complaints = [...failures, ...broken(reported)];
  const isUnheard = counts.failed === 0 && (exitCode !== 0 || counts.passed === 0);
  if (isUnheard && complaints.length === 0) {
    complaints.push(exitCode === 0 ? 'no test ran' : 'a project ended with an error before it reported its tests');
  }
  return { counts: { ...counts, failed: Math.max(counts.failed, complaints.length) }, complaints };
}

/** Projects that have not ended well, by the file that each began last and the errors that came after. */
function broken(reported: readonly Line[]): readonly string[] {
  const open = new Map<string, string>();
  for (const { project, began, uncaught, counts } of reported) {
    if (began) open.set(project, `BROKEN ${project} in or after ${began}`);
    if (counts) open.delete(project);
    if (uncaught) open.set(project, `${open.get(project) ?? `BROKEN ${project} after its tests`}\n${uncaught}`);
  }
  return [...open.values()];
}

/** Reads the file in MORAG_TEST_SKIPS; suites of several projects may name the same thing. */
export function readSkips(text: string): Skip[] {
  return [...new Set(lines(text))].sort().map((line) => JSON.parse(line) as Skip);
}

/** The run's last line, which scripts read. */
export function summaryOf({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

const plus = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
