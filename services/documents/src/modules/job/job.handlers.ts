import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  type JobService,
  JobStatisticsSchema,
  WatchJobResponseSchema,
} from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import type { Cursor } from '@morag/orm';
import type { PageTokens } from '@morag/rpc';
import { scopeOf } from '../../acting.ts';
import { type PageRequest, readPage } from '../../page-reader.ts';
import { type ChangeJobParts, cancelJob, retryJob } from './change-job.ts';
import { toJobMessage } from './job.messages.ts';
import { readAttempts, readJob } from './job.store.ts';
import { jobFigures, listJobs } from './list-jobs.ts';
import { watchJob } from './watch-job.ts';

/** What JobService needs. */
export interface JobHandlerParts extends ChangeJobParts {
  readonly pageTokens: PageTokens;
}

/** JobService over the use cases. */
export function jobHandlers(parts: JobHandlerParts): ServiceImpl<typeof JobService> {
  const { db, pageTokens } = parts;
  return {
    async getJob({ jobId }, context) {
      const job = await readJob(db, jobId, scopeOf(context));
      return toJobMessage(job, await readAttempts(db, jobId));
    },
    async listJobs(request, context) {
      const { filter, orderBy } = request;
      const { rows, nextPageToken } = await readPage(
        pageTokens,
        context,
        request,
        [filter, orderBy],
        ({ pageSize, cursor }: PageRequest<Cursor>) =>
          listJobs(db, scopeOf(context), { pageSize, cursor, filter, orderBy }),
      );
      return { jobs: rows.map((job) => toJobMessage(job)), nextPageToken };
    },
    async *watchJob({ jobId }, context) {
      for await (const job of watchJob(parts, jobId, scopeOf(context), context.signal)) {
        yield create(WatchJobResponseSchema, { job: toJobMessage(job) });
      }
    },
    async cancelJob({ jobId }, context) {
      return toJobMessage(await cancelJob(parts, jobId, scopeOf(context), context.signal));
    },
    async retryJob({ jobId }, context) {
      return toJobMessage(await retryJob(parts, jobId, scopeOf(context), context.signal));
    },
    async getJobStatistics({ databaseId }, context) {
      const figures = await jobFigures(db, scopeOf(context), databaseId || undefined);
      return create(JobStatisticsSchema, {
        jobsByStatus: figures.byStatus,
        meanDurationSeconds: figures.meanDurationSeconds,
      });
    },
  };
}
