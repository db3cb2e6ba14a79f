import { appendFileSync } from 'node:fs';

/** Appends this run's counts to the file in MORAG_TEST_COUNTS, so that the runner of all projects can sum them. */
export default class CountReporter {
  onRunComplete(_contexts, results) {
    const file = process.env.MORAG_TEST_COUNTS;
    if (!file) return;
    const { numPassedTests: passed, numFailedTests, numFailedTestSuites, numPendingTests: skipped } = results;
    const failed = Math.max(numFailedTests, numFailedTestSuites);
    appendFileSync(file, `${JSON.stringify({ passed, failed, skipped })}\n`);
  }
}
