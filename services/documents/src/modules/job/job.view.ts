import type { JobStatus, Stage } from './job.state.ts';

/** A job as it is shown. */
export interface JobView {
  readonly id: string;
  readonly ownerId: string;
  readonly documentId: string;
  readonly documentName: string;
  readonly documentType: string;
  readonly documentVersion: number;
  readonly databaseId: string | null;
  readonly status: JobStatus;
  readonly percentage: number;
  readonly stage: Stage;
  readonly summary: string;
  readonly priority: number;
  readonly attemptCount: number;
  readonly failureReason: string | null;
  readonly failureDetail: string | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Of the row: grows with every change. */
  readonly version: number;
}

/** One try of a job as it is shown. */
export interface AttemptView {
  readonly number: number;
  readonly worker: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly failureReason: string | null;
  readonly failureDetail: string | null;
}
