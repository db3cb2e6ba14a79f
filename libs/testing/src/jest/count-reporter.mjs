import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';

const MESSAGE_LINES_MAX = 12;
const COLOURS = /\u001b\[[0-9;]*m/g;

/**
 * Appends to the file in MORAG_TEST_COUNTS, for the runner of all projects: each file that begins, and at the end the
 * run's counts with what failed. A run without an end broke in the file that began last, by the last error that nobody
 * caught (Jest hears those that come during a test) or by a signal.
 */
export default class CountReporter {
  #root;
  #project = process.env.npm_package_name;

  constructor({ rootDir }) {
    this.#root = rootDir;
    process.on('uncaughtExceptionMonitor', (error) =>
      this.#append({ uncaught: shortened(String(error?.stack ?? error)) }),
    );
  }

  onTestFileStart({ path }) {
    this.#append({ began: this.#nameOf(path) });
  }

  onRunComplete(_contexts, results) {
    const { numPassedTests: passed, numFailedTests, numFailedTestSuites, numPendingTests: skipped } = results;
    const failed = Math.max(numFailedTests, numFailedTestSuites);
    const failures = results.testResults
      .filter(({ failureMessage }) => failureMessage)
      .map(({ testFilePath, failureMessage }) => ({
        file: this.#nameOf(testFilePath),
        text: shortened(failureMessage),
      }));
    this.#append({ counts: { passed, failed, skipped }, failures });
  }

  #nameOf(path) {
    return relative(this.#root, path);
  }

  #append(line) {
    const file = process.env.MORAG_TEST_COUNTS;
    if (file) appendFileSync(file, `${JSON.stringify({ project: this.#project, ...line })}\n`);
  }
}

function shortened(message) {
  const lines = message
    .replace(COLOURS, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.slice(0, MESSAGE_LINES_MAX).join('\n');
}
