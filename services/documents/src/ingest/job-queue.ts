import { type Em, query } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import { PgBoss } from 'pg-boss';

/** What stands in the queue: the hint that a job may be ready. The job's own row decides. */
interface Ticket {
  readonly jobId: string;
}

/** A ticket that was taken. */
export interface TakenTicket {
  readonly jobId: string;
  /** Takes it off the queue. A ticket that is never taken off comes back. */
  done(): Promise<void>;
}

/** See JobQueue.send. */
export interface SendOptions {
  /** Higher goes first. */
  readonly priority?: number;
  /** Not before this many seconds. */
  readonly delaySeconds?: number;
}

/** Priority of a job that was interrupted through no fault of its own: it goes before those that have not begun. */
export const RESUMED = 1;

/** Which jobs may be ready, over all instances of the service. */
export interface JobQueue {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** In the transaction of the change that makes the job ready: both or neither. */
  send(em: Em, jobId: string, options?: SendOptions): Promise<void>;
  /** The next ticket, if there is one. */
  take(): Promise<TakenTicket | undefined>;
}

/** See createJobQueue. */
export interface JobQueueOptions {
  readonly url: string;
  readonly schema: string;
  readonly logger: Logger;
}

const QUEUE = 'ingest';
/** A ticket whose taker died between taking it and taking it off comes back after this. */
const TICKET_SECONDS = 30;
const TICKET_RETRIES = 10;
/** Taken tickets say nothing that the jobs' own rows do not. */
const KEPT_SECONDS = 60;
const CONNECTIONS_MAX = 2;

/** The queue on PostgreSQL. Its tables are the library's own, in a schema of their own, which the library migrates. */
export function createJobQueue({ url, schema, logger }: JobQueueOptions): JobQueue {
  const boss = new PgBoss({
    connectionString: url,
    application_name: 'morag-documents-queue',
    schema,
    createSchema: false,
    max: CONNECTIONS_MAX,
    schedule: false,
  });
  boss.on('error', (error) => logger.warn({ err: error }, 'queue'));
  return {
    async start() {
      await boss.start();
      await boss.createQueue(QUEUE, {
        expireInSeconds: TICKET_SECONDS,
        retryLimit: TICKET_RETRIES,
        deleteAfterSeconds: KEPT_SECONDS,
      });
    },
    stop: () => boss.stop({ graceful: false }),
    async send(em, jobId, { priority = 0, delaySeconds = 0 } = {}) {
      const db = { executeSql: async (text: string, values?: unknown[]) => ({ rows: await query(em, text, values) }) };
      const ticket: Ticket = { jobId };
      await boss.send(QUEUE, ticket, { priority, startAfter: delaySeconds, db });
    },
    async take() {
      const [taken] = await boss.fetch<Ticket>(QUEUE, { batchSize: 1 });
      if (taken === undefined) return undefined;
      return {
        jobId: taken.data.jobId,
        async done() {
          await boss.complete(QUEUE, taken.id);
        },
      };
    },
  };
}
