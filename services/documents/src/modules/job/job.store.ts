import { LockMode } from '@mikro-orm/core';
import { DomainError } from '@morag/errors';
import type { Database, Em } from '@morag/orm';
import type { Scope } from '../document/document.store.ts';
import { Job } from './job.entity.ts';
import type { AttemptView, JobView } from './job.view.ts';

/** Columns of JobView, from `jobs j`. */
export const JOB_COLUMNS = `j.id, j.owner_id as "ownerId", j.document_id as "documentId", j.document_name as "documentName",
  j.document_type as "documentType", j.document_version as "documentVersion", j.database_id as "databaseId", j.status,
  j.percentage, j.stage, j.summary, j.priority, j.attempt_count as "attemptCount", j.failure_reason as "failureReason",
  j.failure_detail as "failureDetail", j.started_at as "startedAt", j.ended_at as "endedAt",
  j.next_attempt_at as "nextAttemptAt", j.created_at as "createdAt", j.updated_at as "updatedAt", j.version`;

/** Another owner's job is not found, exactly as one that does not exist. */
export function jobNotFound(id: string): DomainError {
  return new DomainError('JOB_NOT_FOUND', 'There is no such job.', { metadata: { jobId: id } });
}

/** A job, or JOB_NOT_FOUND. */
export async function readJob(db: Database, id: string, { ownerId, databaseIds }: Scope): Promise<JobView> {
  const [row] = await db.read<JobView>(
    `select ${JOB_COLUMNS} from documents.jobs j
     where j.id = $1 and ($2::uuid is null or j.owner_id = $2) and ($3::uuid[] is null or j.database_id = any($3))`,
    [id, ownerId ?? null, databaseIds ?? null],
  );
  if (row === undefined) throw jobNotFound(id);
  return row;
}

/** The attempts of a job, oldest first. */
export async function readAttempts(db: Database, jobId: string): Promise<AttemptView[]> {
  return db.read<AttemptView>(
    `select number, worker, started_at as "startedAt", ended_at as "endedAt", failure_reason as "failureReason",
            failure_detail as "failureDetail"
     from documents.job_attempts where job_id = $1 order by number`,
    [jobId],
  );
}

/** Locks a job until the transaction ends. After its document, always. Or JOB_NOT_FOUND. */
export async function lockJob(em: Em, id: string): Promise<Job> {
  const job = await em.findOne(Job, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (job === null) throw jobNotFound(id);
  return job;
}

/** The jobs of a document that have not ended, locked. After the document. */
export async function lockOpenJobs(em: Em, documentId: string): Promise<Job[]> {
  const status = { $in: ['PENDING', 'WAITING_FOR_REMOTE_WORKER', 'PROCESSING'] as const };
  return em.find(
    Job,
    { documentId, status: { $in: [...status.$in] } },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  );
}
