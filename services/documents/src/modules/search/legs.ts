import { isCallersFault, toFailure } from '../../ingest/failure.ts';
import type { LegHit, SearchMode } from '../../search/hit.ts';

/** How a leg ended. */
export type LegOutcome = LegAnswer | LegFailure;

interface LegAnswer {
  readonly hits: readonly LegHit[];
}

interface LegFailure {
  readonly error: unknown;
}

/** What there is to be joined. */
export interface Legs {
  readonly mode: SearchMode;
  readonly vector: readonly LegHit[];
  readonly lexical: readonly LegHit[];
  /** Which leg could not answer, and why; undefined when all that were asked could. */
  readonly degraded: string | undefined;
}

/** Lets a leg fail for itself. */
export async function runLeg(work: Promise<readonly LegHit[]>): Promise<LegOutcome> {
  try {
    return { hits: await work };
  } catch (error) {
    return { error };
  }
}

/**
 * What the legs that were asked brought. When one failed, the other answers alone; an error is thrown when none is left, or
 * when it is the caller's to mend.
 */
export function chooseLegs(mode: SearchMode, vector: LegOutcome | undefined, lexical: LegOutcome | undefined): Legs {
  const failure = failureOf(vector) ?? failureOf(lexical);
  const answer = { mode, vector: hitsOf(vector), lexical: hitsOf(lexical), degraded: undefined };
  if (failure === undefined) return answer;
  const { reason, detail } = toFailure(failure.error);
  const other = failure === vector ? lexical : vector;
  if (isCallersFault(reason) || other === undefined || failureOf(other)) throw failure.error;
  return failure === vector
    ? { ...answer, mode: 'LEXICAL', degraded: `The search by meaning could not answer: ${detail}` }
    : { ...answer, mode: 'VECTOR', degraded: `The search by words could not answer: ${detail}` };
}

function failureOf(leg: LegOutcome | undefined): LegFailure | undefined {
  return leg && 'error' in leg ? leg : undefined;
}

function hitsOf(leg: LegOutcome | undefined): readonly LegHit[] {
  return leg && 'hits' in leg ? leg.hits : [];
}
