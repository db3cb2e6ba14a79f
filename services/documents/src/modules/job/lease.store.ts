import { DomainError } from '@morag/errors';
import { type Database, type Em, query } from '@morag/orm';
import { execute } from '../../sql.ts';
import { nextDocumentState } from '../document/document.state.ts';
import { findVersion, lockDocument, setFailure } from '../document/document.store.ts';
import type { Stage } from './job.state.ts';
import { announceEnd } from './job-ended.ts';

/**
 * A worker's hold on a job. Every write of the worker is refused once the fencing token of the row is another: after the
 * lease was taken over, or the job cancelled, superseded or deleted.
 */
export interface Lease {
  readonly jobId: string;
  readonly fencingToken: bigint;
  readonly documentId: string;
  readonly versionId: string;
  readonly ownerId: string;
  readonly databaseId: string;
  readonly documentName: string;
  readonly documentVersion: number;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Attempts that failed before, since somebody last asked for the job. */
  readonly failedCount: number;
}

/** Why an attempt ended without its goal. */
export interface AttemptFailure {
  readonly reason: string;
  readonly detail: string;
}

/** How an attempt ends that did not finish. */
export type AttemptEnd =
  /** For now: another attempt follows after the delay. `counts` says which bound it counts against. */
  | {
      readonly next: 'defer';
      readonly delaySeconds: number;
      readonly counts?: 'failed' | 'lost';
      readonly failure?: AttemptFailure;
    }
  /** For good. */
  | { readonly next: 'fail'; readonly failure: AttemptFailure };

/** The lease is another worker's now, or the job's end was decided elsewhere. */
export function leaseLost(jobId: string): DomainError {
  return new DomainError('LEASE_LOST', 'The job was taken over or has ended.', { metadata: { jobId } });
}

const LEASE = `
update documents.jobs set status = 'PROCESSING', lease_owner = $2, lease_until = now() + make_interval(secs => $3),
  fencing_token = fencing_token + 1, attempt_count = attempt_count + 1, started_at = coalesce(started_at, now()),
  next_attempt_at = null, failure_reason = null, failure_detail = null, version = version + 1, updated_at = now()
where id = $1 and status = 'PENDING' and database_id is not null
returning id as "jobId", fencing_token as "fencingToken", document_id as "documentId", version_id as "versionId",
  owner_id as "ownerId", database_id as "databaseId", document_name as "documentName",
  document_version as "documentVersion", attempt_count as attempt, failed_count as "failedCount"`;

/** Takes a job that is ready; undefined when it is not, or no longer. */
export async function leaseJob(
  db: Database,
  jobId: string,
  { worker, seconds }: { worker: string; seconds: number },
): Promise<Lease | undefined> {
  return db.transaction(async (em) => {
    const [job] = await query<{ documentId: string }>(
      em,
      `select document_id as "documentId" from documents.jobs where id = $1 and status = 'PENDING'`,
      [jobId],
    );
    if (job === undefined) return undefined;
    const document = await lockDocument(em, job.documentId);
    const [lease] = await query<Lease>(em, LEASE, [jobId, worker, seconds]);
    if (lease === undefined) return undefined;
    await query(
      em,
      `insert into documents.job_attempts (job_id, number, worker, started_at) values ($1, $2, $3, now())`,
      [jobId, lease.attempt, worker],
    );
    document.state = nextDocumentState(document.state, 'begin');
    return lease;
  });
}

/** Keeps the lease for another while; says whether it still holds. */
export async function renewLease(db: Database, lease: Lease, seconds: number): Promise<boolean> {
  const rows = await execute(
    db,
    `update documents.jobs set lease_until = now() + make_interval(secs => $3)
     where id = $1 and fencing_token = $2 and status = 'PROCESSING' returning 1 as ok`,
    [lease.jobId, lease.fencingToken, seconds],
  );
  return rows.length === 1;
}

/** How far a worker is. */
export interface Progress {
  readonly stage: Stage;
  readonly percentage: number;
  readonly summary: string;
}

/** Shows how far the work is; a percentage that is lower than shown is not. Throws LEASE_LOST. */
export async function reportProgress(db: Database, lease: Lease, progress: Progress): Promise<void> {
  const rows = await execute(
    db,
    `update documents.jobs set stage = $3, percentage = greatest(percentage, $4::int), summary = $5,
       version = version + 1, updated_at = now()
     where id = $1 and fencing_token = $2 and status = 'PROCESSING' returning 1 as ok`,
    [lease.jobId, lease.fencingToken, progress.stage, progress.percentage, progress.summary],
  );
  if (rows.length === 0) throw leaseLost(lease.jobId);
}

/** Locks the job under the lease until the transaction ends. Throws LEASE_LOST. */
export async function holdLease(em: Em, lease: Lease): Promise<void> {
  const rows = await query(
    em,
    `select from documents.jobs where id = $1 and fencing_token = $2 and status = 'PROCESSING' for update`,
    [lease.jobId, lease.fencingToken],
  );
  if (rows.length === 0) throw leaseLost(lease.jobId);
}

/** The job reached its goal. In the transaction that makes it so, after `holdLease`. */
export async function finishJob(em: Em, lease: Lease, summary: string): Promise<void> {
  await query(
    em,
    `update documents.jobs set status = 'FINISHED', percentage = 100, stage = 'ACTIVATING', summary = $2, ended_at = now(),
       lease_owner = null, lease_until = null, version = version + 1, updated_at = now() where id = $1`,
    [lease.jobId, summary],
  );
  await closeAttempt(em, lease.jobId, null);
  await announceEnd(em, [lease.jobId]);
}

const END = `
update documents.jobs set status = $3::text, ended_at = case when $3::text = 'FAILED' then now() end,
  next_attempt_at = case when $3::text = 'PENDING' then now() + make_interval(secs => $4::float8) end,
  failed_count = failed_count + $5::int, lost_count = lost_count + $6::int, failure_reason = $7::text, failure_detail = $8::text,
  summary = coalesce($8::text, 'Waits for a worker'), fencing_token = fencing_token + 1, lease_owner = null, lease_until = null,
  version = version + 1, updated_at = now()
where id = $1 and status = 'PROCESSING' and (case when $2::bigint is null then lease_until < now() else fencing_token = $2 end)
returning document_version as version`;

/**
 * Ends an attempt that did not finish: the job waits again or has failed, the document is back in PENDING. `fencingToken`
 * null: of a worker whose lease ran out. Says whether there was something to end.
 */
export async function endAttempt(
  em: Em,
  job: { readonly jobId: string; readonly documentId: string; readonly fencingToken: bigint | null },
  end: AttemptEnd,
): Promise<boolean> {
  const document = await lockDocument(em, job.documentId);
  const counts = end.next === 'defer' ? end.counts : 'failed';
  const rows = await query<{ version: number }>(em, END, [
    job.jobId,
    job.fencingToken,
    end.next === 'fail' ? 'FAILED' : 'PENDING',
    end.next === 'fail' ? 0 : end.delaySeconds,
    counts === 'failed' ? 1 : 0,
    counts === 'lost' ? 1 : 0,
    end.failure?.reason ?? null,
    end.failure?.detail ?? null,
  ]);
  const [ended] = rows;
  if (ended === undefined) return false;
  await closeAttempt(em, job.jobId, end.failure ?? null);
  document.state = nextDocumentState(document.state, 'interrupt');
  if (end.failure) setFailure(document, end.failure);
  if (end.next === 'fail') {
    (await findVersion(em, document.id, ended.version)).state = 'FAILED';
    await announceEnd(em, [job.jobId]);
  }
  return true;
}

/** Ends the attempt that is under way, if one is. */
export async function closeAttempt(em: Em, jobId: string, failure: AttemptFailure | null): Promise<void> {
  await query(
    em,
    `update documents.job_attempts set ended_at = now(), failure_reason = $2, failure_detail = $3
     where job_id = $1 and ended_at is null`,
    [jobId, failure?.reason ?? null, failure?.detail ?? null],
  );
}

/** A job whose worker is gone. */
export interface OrphanedJob {
  readonly jobId: string;
  readonly documentId: string;
  readonly lostCount: number;
}

/** Jobs whose lease ran out. */
export async function orphanedJobs(db: Database, limit: number): Promise<OrphanedJob[]> {
  return db.read<OrphanedJob>(
    `select id as "jobId", document_id as "documentId", lost_count as "lostCount" from documents.jobs
     where status = 'PROCESSING' and lease_until < now() order by lease_until limit $1`,
    [limit],
  );
}

/** Jobs that have waited too long for their ticket: it was lost, or the queue was down when it came. */
export async function forgottenJobs(db: Database, waitedSeconds: number, limit: number): Promise<string[]> {
  const rows = await db.read<{ id: string }>(
    `select id from documents.jobs
     where status = 'PENDING' and greatest(updated_at, next_attempt_at) < now() - make_interval(secs => $1)
     order by random() limit $2`,
    [waitedSeconds, limit],
  );
  return rows.map(({ id }) => id);
}

/** Lets the leases of workers run out at once that are known to be dead; says how many. */
export async function expireLeases(db: Database, owners: readonly string[]): Promise<number> {
  const rows = await execute(
    db,
    `update documents.jobs set lease_until = now() - interval '1 second'
     where status = 'PROCESSING' and lease_owner = any($1::text[]) and lease_until >= now() returning id`,
    [owners],
  );
  return rows.length;
}

/** Who holds leases now. */
export async function leaseOwners(db: Database): Promise<string[]> {
  const rows = await db.read<{ owner: string }>(
    `select distinct lease_owner as owner from documents.jobs where status = 'PROCESSING' and lease_owner is not null`,
  );
  return rows.map(({ owner }) => owner);
}
