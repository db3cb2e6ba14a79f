import { Code } from '@connectrpc/connect';
import { EmbedderError } from '@morag/embedder';
import { REASONS, type ReasonName, reasonOf, toConnectError } from '@morag/errors';
import type { AttemptEnd } from '../modules/job/lease.store.ts';

/** Why an attempt failed, and whether another one may do better. */
export interface IngestFailure {
  readonly reason: ReasonName;
  /** For people; no secrets. */
  readonly detail: string;
  readonly retryable: boolean;
}

/** Reasons of these kinds say that it was not the document's fault, and may be different a moment later. */
const RETRYABLE_CODES: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.ResourceExhausted,
  Code.Canceled,
  Code.Unauthenticated,
  Code.Internal,
]);
/** Although it has such a code: the file stays as large as it is. */
const FINAL: ReadonlySet<ReasonName> = new Set(['FILE_TOO_LARGE', 'BODY_TOO_LARGE', 'QUOTA_EXCEEDED']);

/** What any error thrown in an ingestion means for the job. */
export function toFailure(error: unknown): IngestFailure {
  if (error instanceof EmbedderError) {
    return { reason: 'EMBEDDER_FAILED', detail: error.message, retryable: error.retryable };
  }
  const known = toConnectError(error);
  const reason = reasonOf(known) ?? 'INTERNAL';
  const detail = known.rawMessage;
  return { reason, detail, retryable: RETRYABLE_CODES.has(REASONS[reason].code) && !FINAL.has(reason) };
}

/** Reasons of these kinds are the caller's to mend, not a weakness of whoever answered. */
const CALLERS_FAULT: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.PermissionDenied,
  Code.Unauthenticated,
]);

/** Whether the caller has to hear of it. */
export function isCallersFault(reason: ReasonName): boolean {
  return CALLERS_FAULT.has(REASONS[reason].code);
}

/** Pauses before the second attempt, the third and so on; then the job is given up. */
const BACKOFF_SECONDS = [1, 4, 16, 60] as const;
/** Workers may die of many things, but ten in a row die of this job. */
const LOST_MAX = 10;

/** How an attempt ends that failed after `failedCount` others. */
export function endAfter({ reason, detail, retryable }: IngestFailure, failedCount: number): AttemptEnd {
  const failure = { reason, detail };
  const delaySeconds = retryable ? BACKOFF_SECONDS[failedCount] : undefined;
  return delaySeconds === undefined
    ? { next: 'fail', failure }
    : { next: 'defer', delaySeconds, counts: 'failed', failure };
}

/** How an attempt ends whose worker died, after `lostCount` others. */
export function endAfterLoss(lostCount: number): AttemptEnd {
  if (lostCount + 1 < LOST_MAX) return { next: 'defer', delaySeconds: 0, counts: 'lost' };
  return { next: 'fail', failure: { reason: 'INTERNAL', detail: 'Its workers died again and again.' } };
}
