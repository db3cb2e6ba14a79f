import type { CaseResult } from '@morag/connectors-conformance';

/** How the suite went over one vendor's server. */
export interface VendorReport {
  readonly vendor: string;
  /** What answered, with its version. */
  readonly server: string;
  readonly results: readonly CaseResult[];
}

/** `3 passed, 0 failed`; an exception that passes is a failure. */
export function passedAndFailed(results: readonly CaseResult[]): string {
  return `${countOf(results, 'passed')} passed, ${countOf(results, 'failed') + countOf(results, 'unexpected')} failed`;
}

export function countOf(results: readonly CaseResult[], outcome: CaseResult['outcome']): number {
  return results.filter((result) => result.outcome === outcome).length;
}
