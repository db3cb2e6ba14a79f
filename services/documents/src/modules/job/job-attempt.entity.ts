import { defineEntity, p } from '@mikro-orm/postgresql';

const JobAttemptSchema = defineEntity({
  name: 'JobAttempt',
  tableName: 'job_attempts',
  properties: {
    jobId: p.uuid().primary(),
    /** From 1. */
    number: p.integer().primary(),
    worker: p.string().length(128),
    startedAt: p.datetime(6),
    endedAt: p.datetime(6).nullable(),
    failureReason: p.string().length(64).nullable(),
    failureDetail: p.text().nullable(),
  },
});

/** One try of a job. */
export class JobAttempt extends JobAttemptSchema.class {}
JobAttemptSchema.setClass(JobAttempt);
