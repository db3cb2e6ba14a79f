import {
  type Condition,
  type Database,
  equals,
  type ListRequest,
  type ListSpec,
  listPage,
  type Page,
} from '@morag/orm';
import type { Scope } from '../document/document.store.ts';
import { JOB_STATUSES, type JobStatus } from './job.state.ts';
import { JOB_COLUMNS } from './job.store.ts';
import type { JobView } from './job.view.ts';

const LIST: ListSpec = {
  from: 'documents.jobs j',
  columns: JOB_COLUMNS,
  id: 'j.id',
  filter: {
    status: { column: 'j.status', kind: JOB_STATUSES },
    document_id: { column: 'j.document_id', kind: 'uuid' },
    database_id: { column: 'j.database_id', kind: 'uuid' },
  },
  order: { create_time: { column: 'j.created_at', type: 'timestamptz' } },
  defaultOrder: 'create_time desc',
};

/** One page of the jobs in a scope. */
export async function listJobs(
  db: Database,
  { ownerId, databaseIds }: Scope,
  request: ListRequest,
): Promise<Page<JobView>> {
  const conditions: Condition[] = [];
  if (ownerId !== undefined) conditions.push(equals('j.owner_id', ownerId));
  if (databaseIds !== undefined) conditions.push((bind) => `j.database_id = any(${bind(databaseIds)}::uuid[])`);
  return listPage<JobView>(db, LIST, request, conditions);
}

/** Figures over jobs. */
export interface JobFigures {
  readonly byStatus: Readonly<Partial<Record<JobStatus, number>>>;
  readonly meanDurationSeconds: number;
}

/** Figures over the jobs in a scope, of one database or of all; the duration of those of the last 24 hours. */
export async function jobFigures(
  db: Database,
  { ownerId, databaseIds }: Scope,
  databaseId?: string,
): Promise<JobFigures> {
  const groups = await db.read<{ status: JobStatus; jobs: number; seconds: number | null }>(
    `select status, count(*)::int as jobs,
            (avg(extract(epoch from ended_at - started_at)) filter (where ended_at > now() - interval '24 hours'))::float8
              as seconds
     from documents.jobs
     where ($1::uuid is null or owner_id = $1) and ($2::uuid is null or database_id = $2)
       and ($3::uuid[] is null or database_id = any($3))
     group by status`,
    [ownerId ?? null, databaseId ?? null, databaseIds ?? null],
  );
  return {
    byStatus: Object.fromEntries(groups.map(({ status, jobs }) => [status, jobs])),
    meanDurationSeconds: groups.find(({ status }) => status === 'FINISHED')?.seconds ?? 0,
  };
}
