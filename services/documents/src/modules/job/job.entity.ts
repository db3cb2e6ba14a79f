import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '@morag/orm';
import type { JobStatus, Stage } from './job.state.ts';

const JobSchema = defineEntity({
  name: 'Job',
  tableName: 'jobs',
  properties: {
    ...baseColumns,
    ownerId: p.uuid(),
    documentId: p.uuid(),
    versionId: p.uuid(),
    databaseId: p.uuid().nullable(),
    documentName: p.string().length(255),
    documentType: p.string().length(16),
    documentVersion: p.integer(),
    status: p.string().length(32).$type<JobStatus>(),
    percentage: p.integer().default(0),
    stage: p.string().length(32).$type<Stage>().default('STAGE_UNSPECIFIED'),
    summary: p.text().default(''),
    priority: p.integer().default(0),
    attemptCount: p.integer().default(0),
    /** Attempts that failed since somebody last asked for the job; bounds the attempts. */
    failedCount: p.integer().default(0),
    /** Attempts whose worker died since somebody last asked for the job; bounds a job that kills its workers. */
    lostCount: p.integer().default(0),
    failureReason: p.string().length(64).nullable(),
    failureDetail: p.text().nullable(),
    startedAt: p.datetime(6).nullable(),
    endedAt: p.datetime(6).nullable(),
    nextAttemptAt: p.datetime(6).nullable(),
    /** The worker that holds it, `<host>/<process>/<random>`. */
    leaseOwner: p.string().length(128).nullable(),
    leaseUntil: p.datetime(6).nullable(),
    /** Grows with every lease and every change from outside; a write under an older one is refused. */
    fencingToken: p.bigint('bigint').defaultRaw('0'),
  },
  indexes: [
    { name: 'jobs_owner', properties: ['ownerId', 'createdAt', 'id'] },
    { name: 'jobs_document', properties: ['documentId'] },
  ],
});

/** One ingestion of a document version, over all its attempts. */
export class Job extends JobSchema.class {}
JobSchema.setClass(Job);
