import { type JsonObject, toJson } from '@bufbuild/protobuf';
import { JobSchema } from '@morag/gen/morag/documents/v1/job_pb.ts';
import { appendEvent, type DeliveredEvent, type Em, newId, query } from '@morag/orm';
import { toJobMessage } from './job.messages.ts';
import { JOB_COLUMNS } from './job.store.ts';
import type { JobView } from './job.view.ts';

/** The type of these events in the outbox. */
const JOB_ENDED = 'job.ended';

/** A job ended for good, and how it stood then. */
export interface JobEnded {
  /** Of the event; a job that is tried again ends again. */
  readonly id: string;
  readonly ownerId: string;
  readonly status: 'FINISHED' | 'FAILED' | 'CANCELLED';
  readonly time: string;
  /** The job as its contract has it in JSON. */
  readonly job: JsonObject;
}

/** In the transaction that ends jobs: their owners' webhooks are told if and only if that commits. */
export async function announceEnd(em: Em, jobIds: readonly string[]): Promise<void> {
  // What is changed as an entity is not in the row before.
  await em.flush();
  const ended = await query<JobView>(
    em,
    `select ${JOB_COLUMNS} from documents.jobs j
     where j.id = any($1::uuid[]) and j.status in ('FINISHED', 'FAILED', 'CANCELLED') order by j.id`,
    [jobIds],
  );
  for (const view of ended) {
    const payload: JobEnded = {
      id: newId(),
      ownerId: view.ownerId,
      status: view.status as JobEnded['status'],
      time: (view.endedAt ?? view.updatedAt).toISOString(),
      job: toJson(JobSchema, toJobMessage(view)) as JsonObject,
    };
    await appendEvent(em, { key: `job/${view.id}`, type: JOB_ENDED, payload });
  }
}

/** What an event of the outbox tells. */
export function endedJob({ type, payload }: Pick<DeliveredEvent, 'type' | 'payload'>): JobEnded {
  if (type !== JOB_ENDED) throw new Error(`an event of the unknown type ${type}`);
  return payload as JobEnded;
}
