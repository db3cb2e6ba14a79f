import { type ConformanceCase, withContext } from './conformance-case.ts';
import type { Harness } from './harness.ts';

/**
 * `excepted`: failed, as the vendor's list says. `unexpected`: passed though the list says it cannot, so that the list
 * is out of date. Both `failed` and `unexpected` fail a run.
 */
export type Outcome = 'passed' | 'failed' | 'skipped' | 'excepted' | 'unexpected';

export interface CaseResult {
  readonly id: number;
  readonly title: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** Why it failed, was skipped or excepted, or what the case has to say. */
  readonly note?: string;
  readonly error?: unknown;
}

/** Runs one case on its own connector and says how it went; never rejects. */
export async function runCase(harness: Harness, conformanceCase: ConformanceCase): Promise<CaseResult> {
  const { id, title } = conformanceCase;
  const started = performance.now();
  const result = (outcome: Outcome, note?: string, error?: unknown): CaseResult => ({
    id,
    title,
    outcome,
    durationMs: Math.round(performance.now() - started),
    note,
    error,
  });
  const exception = harness.exceptions[id];
  try {
    const note = await withContext(harness, async (context) => {
      const reason = conformanceCase.skip?.(context.connector.capabilities(), harness);
      return reason ? { reason } : ((await conformanceCase.run(context)) ?? undefined);
    });
    if (typeof note === 'object') return result('skipped', note.reason);
    return exception === undefined ? result('passed', note) : result('unexpected', `passes, against: ${exception}`);
  } catch (error) {
    if (exception !== undefined) return result('excepted', exception);
    return result('failed', error instanceof Error ? error.message : String(error), error);
  }
}

/** True when nothing failed and no exception is out of date. */
export function isClean(results: readonly CaseResult[]): boolean {
  return results.every(({ outcome }) => outcome !== 'failed' && outcome !== 'unexpected');
}
