import { create } from '@bufbuild/protobuf';
import {
  Job_JobStatus,
  Job_Stage,
  type JobAttempt,
  JobAttemptSchema,
  type Job as JobMessage,
  JobSchema,
} from '@morag/gen/morag/documents/v1/job_pb.ts';
import { toFailureMessage, toTimestamp } from '../../messages.ts';
import type { AttemptView, JobView } from './job.view.ts';

/** A job as the contract has it; with its attempts where they were asked for. */
export function toJobMessage(job: JobView, attempts: readonly AttemptView[] = []): JobMessage {
  return create(JobSchema, {
    id: job.id,
    ownerId: job.ownerId,
    documentId: job.documentId,
    documentName: job.documentName,
    documentType: job.documentType,
    databaseId: job.databaseId ?? '',
    documentVersion: job.documentVersion,
    status: Job_JobStatus[job.status],
    percentage: job.percentage,
    stage: Job_Stage[job.stage],
    summary: job.summary,
    priority: job.priority,
    attemptCount: job.attemptCount,
    failure: toFailureMessage(job),
    startTime: toTimestamp(job.startedAt),
    endTime: toTimestamp(job.endedAt),
    nextAttemptTime: toTimestamp(job.nextAttemptAt),
    createTime: toTimestamp(job.createdAt),
    updateTime: toTimestamp(job.updatedAt),
    attempts: attempts.map(toAttemptMessage),
  });
}

function toAttemptMessage(attempt: AttemptView): JobAttempt {
  return create(JobAttemptSchema, {
    number: attempt.number,
    worker: attempt.worker,
    startTime: toTimestamp(attempt.startedAt),
    endTime: toTimestamp(attempt.endedAt),
    failure: toFailureMessage(attempt),
  });
}
