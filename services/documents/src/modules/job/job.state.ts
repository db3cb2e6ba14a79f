import { DomainError } from '@morag/errors';

/** See `JobStatus` in job.proto. */
export const JOB_STATUSES = [
  'PENDING',
  'WAITING_FOR_REMOTE_WORKER',
  'PROCESSING',
  'FINISHED',
  'FAILED',
  'CANCELLED',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** See `Stage` in job.proto: in the order of work. */
export const STAGES = ['STAGE_UNSPECIFIED', 'EXTRACTING', 'CHUNKING', 'EMBEDDING', 'STORING', 'ACTIVATING'] as const;
export type Stage = (typeof STAGES)[number];

/** What happens to a job. */
export type JobEvent =
  /** A worker leases it. */
  | 'lease'
  | 'finish'
  /** It is given up. */
  | 'fail'
  /** It waits for another attempt: handed back, taken from a dead worker, or failed for now. */
  | 'defer'
  | 'cancel'
  /** Somebody asks to try it again. */
  | 'retry';

const TRANSITIONS: Readonly<Record<JobEvent, Partial<Record<JobStatus, JobStatus>>>> = {
  lease: { PENDING: 'PROCESSING' },
  finish: { PROCESSING: 'FINISHED' },
  fail: { PROCESSING: 'FAILED' },
  defer: { PROCESSING: 'PENDING' },
  cancel: {
    PENDING: 'CANCELLED',
    WAITING_FOR_REMOTE_WORKER: 'CANCELLED',
    PROCESSING: 'CANCELLED',
    CANCELLED: 'CANCELLED',
  },
  retry: { FAILED: 'PENDING', CANCELLED: 'PENDING' },
};

/** The status that follows; throws INVALID_JOB_STATUS for a transition that does not exist. */
export function nextJobStatus(from: JobStatus, event: JobEvent): JobStatus {
  const to = TRANSITIONS[event][from];
  if (to !== undefined) return to;
  throw new DomainError('INVALID_JOB_STATUS', `The job is ${from}; ${event} is not possible now.`, {
    metadata: { status: from },
  });
}

/** Whether nothing happens to the job any more unless somebody asks for it. */
export function hasEnded(status: JobStatus): boolean {
  return status === 'FINISHED' || status === 'FAILED' || status === 'CANCELLED';
}
