import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EmbedderError } from '@morag/embedder';
import { Document_DocumentState } from '@morag/gen/morag/documents/v1/document_pb.ts';
import { Job_JobStatus } from '@morag/gen/morag/documents/v1/job_pb.ts';
import { eventually } from '@morag/testing';
import type { DocumentsInstance } from '../src/app.ts';
import type { FakeDatabase } from './fake-servers.ts';
import { type Caller, chapters, createHarness, find, type Harness, jobIs, reasonOf, upload } from './harness.ts';

let harness: Harness;
let instance: DocumentsInstance;
let caller: Caller;
let database: FakeDatabase;

beforeAll(async () => {
  harness = await createHarness();
  instance = await harness.start();
});
beforeEach(async () => {
  caller = await harness.caller(instance);
  database = harness.servers.add(caller.userId);
});
afterAll(() => harness.close());

const zebra = () => ({ databaseId: database.id, name: 'zebra.md', content: chapters('zebra', 'walrus') });
/** Lets a job that waits for its next attempt have it now. */
const hurry = async (jobId: string): Promise<void> => {
  await harness.sql(`update documents_queue.job set start_after = now() where data ->> 'jobId' = $1`, [jobId]);
};
const stored = async (jobId: string) =>
  (
    await harness.sql<{ lease_owner: string; fencing_token: string; failed_count: number }>(
      'select lease_owner, fencing_token, failed_count from documents.jobs where id = $1',
      [jobId],
    )
  )[0];

describe('while the vector server is away', () => {
  it('tries again, gives up after five attempts, and shows nothing half done', async () => {
    harness.servers.vectorsDown = true;
    const { id, jobId } = await upload(caller, zebra());
    for (let failed = 1; failed < 5; failed += 1) {
      await eventually(
        async () => {
          await hurry(jobId);
          expect((await stored(jobId))?.failed_count).toBeGreaterThanOrEqual(failed);
        },
        { timeoutMs: 20_000 },
      );
    }
    const waiting = await caller.documents.getDocument({ documentId: id });
    expect(waiting.failure?.reason).toBe('WRITE_NOT_CONFIRMED');
    await eventually(
      async () => {
        await hurry(jobId);
        expect((await caller.jobs.getJob({ jobId })).status).toBe(Job_JobStatus.FAILED);
      },
      { timeoutMs: 20_000 },
    );
    const job = await caller.jobs.getJob({ jobId });
    expect(job).toMatchObject({ attemptCount: 5, failure: { reason: 'WRITE_NOT_CONFIRMED' } });
    expect(job.attempts.map(({ failure }) => failure?.reason)).toEqual(Array(5).fill('WRITE_NOT_CONFIRMED'));
    const document = await caller.documents.getDocument({ documentId: id });
    expect(document.state).toBe(Document_DocumentState.PENDING);
    const lexical = await caller.search.search({ databaseId: database.id, query: 'zebra' });
    expect(lexical.hits).toEqual([]);

    harness.servers.vectorsDown = false;
    const embedded = harness.embedder.passages.length;
    const retried = await caller.jobs.retryJob({ jobId });
    expect(retried).toMatchObject({ id: jobId, percentage: 0 });
    expect(retried.failure).toBeUndefined();
    const finished = await jobIs(caller, jobId, 'FINISHED');
    expect(finished.attemptCount).toBe(6);
    expect(harness.embedder.passages.length - embedded).toBe(database.records.size);
    expect((await find(caller, database.id, 'walrus', 1))[0]).toContain('walrus');
  }, 120_000);

  it('goes on by itself when it is back', async () => {
    harness.servers.vectorsDown = true;
    const { jobId } = await upload(caller, zebra());
    // Its pauses grow from a second to a minute: one of them is seen.
    await eventually(
      async () => {
        const waiting = await caller.jobs.getJob({ jobId });
        expect(waiting.status).toBe(Job_JobStatus.PENDING);
        expect(waiting.attemptCount).toBeGreaterThan(0);
        expect(waiting.nextAttemptTime).toBeDefined();
      },
      { timeoutMs: 20_000 },
    );
    harness.servers.vectorsDown = false;
    await jobIs(caller, jobId, 'FINISHED');
  }, 60_000);
});

describe('the embedder', () => {
  it('fails a job for good when it says that trying again is no use', async () => {
    harness.embedder.failure = new EmbedderError('The key was refused.', { retryable: false });
    const { jobId } = await upload(caller, zebra());
    const job = await jobIs(caller, jobId, 'FAILED');
    harness.embedder.failure = undefined;
    expect(job).toMatchObject({
      attemptCount: 1,
      failure: { reason: 'EMBEDDER_FAILED', detail: 'The key was refused.' },
    });
  });
});

describe('cancel', () => {
  it('ends a running job, takes back what it wrote, and lets it be tried again', async () => {
    const release = harness.embedder.hold();
    const { id: documentId, jobId } = await upload(caller, zebra());
    await jobIs(caller, jobId, 'PROCESSING');
    const cancelled = await caller.jobs.cancelJob({ jobId });
    expect(cancelled.status).toBe(Job_JobStatus.CANCELLED);
    expect(await caller.jobs.cancelJob({ jobId })).toMatchObject({ status: Job_JobStatus.CANCELLED });
    release();
    const document = await caller.documents.getDocument({ documentId });
    expect(document).toMatchObject({ state: Document_DocumentState.PENDING, failure: { reason: 'CANCELLED' } });
    expect(await harness.sql('select from documents.chunks where document_id = $1', [documentId])).toEqual([]);
    await caller.jobs.retryJob({ jobId });
    await jobIs(caller, jobId, 'FINISHED');
    expect(await reasonOf(caller.jobs.cancelJob({ jobId }))).toBe('INVALID_JOB_STATUS');
    expect(await reasonOf(caller.jobs.retryJob({ jobId }))).toBe('INVALID_JOB_STATUS');
  });

  it('ends a stream of those who watch', async () => {
    const release = harness.embedder.hold();
    const { jobId } = await upload(caller, zebra());
    const seen: number[] = [];
    const watching = (async () => {
      for await (const { job } of caller.jobs.watchJob({ jobId })) seen.push(job?.status ?? 0);
    })();
    await jobIs(caller, jobId, 'PROCESSING');
    await caller.jobs.cancelJob({ jobId });
    await watching;
    release();
    expect(seen.at(-1)).toBe(Job_JobStatus.CANCELLED);
  });
});

describe('a worker', () => {
  it('that dies loses its job to another, and cannot write any more', async () => {
    const release = harness.embedder.hold();
    const { jobId } = await upload(caller, zebra());
    await jobIs(caller, jobId, 'PROCESSING');
    const before = await stored(jobId);
    // What a worker looks like that was killed: its lease runs out, and it never renews.
    await harness.sql(
      `update documents.jobs set lease_until = now() - interval '1 second', fencing_token = fencing_token + 1
      where id = $1`,
      [jobId],
    );
    await eventually(
      async () =>
        expect(Number((await stored(jobId))?.fencing_token)).toBeGreaterThan(Number(before?.fencing_token) + 1),
      {
        timeoutMs: 20_000,
      },
    );
    release();
    const job = await jobIs(caller, jobId, 'FINISHED');
    expect(job.attemptCount).toBe(2);
    expect(new Set(database.records.keys()).size).toBe(database.records.size);
    const texts = await find(caller, database.id, 'zebra walrus', 50);
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('hands its job back when the service stops, and the next one goes on', async () => {
    const other = await createHarness();
    try {
      const first = await other.start();
      const owner = await other.caller(first);
      const target = other.servers.add(owner.userId);
      const release = other.embedder.hold();
      const { jobId } = await upload(owner, { ...zebra(), databaseId: target.id });
      await jobIs(owner, jobId, 'PROCESSING');
      await first.stop();
      const [row] = await other.sql<{ status: string }>('select status from documents.jobs where id = $1', [jobId]);
      expect(row?.status).toBe('PENDING');
      release();
      const second = await other.start();
      const again = await other.caller(second, 'USER', owner.userId);
      const job = await jobIs(again, jobId, 'FINISHED');
      expect(job.attemptCount).toBe(2);
      expect(job.failure).toBeUndefined();
      expect(job.attempts[0]?.failure).toBeUndefined();
    } finally {
      await other.close();
    }
  });
});

describe('document counts', () => {
  it('arrive later when the servers service was away', async () => {
    const { jobId } = await upload(caller, zebra());
    await jobIs(caller, jobId, 'FINISHED');
    const [{ id: documentId } = { id: '' }] = (await caller.documents.listDocuments({})).documents;
    harness.servers.down = true;
    await caller.documents.deleteDocument({ documentId });
    harness.servers.down = false;
    expect(database.documentCount).toBe(1);
    await eventually(() => expect(database.documentCount).toBe(0), { timeoutMs: 15_000 });
  });

  it('are exact however many documents come and go at once', async () => {
    const uploads = Array.from({ length: 12 }, (_, at) =>
      upload(caller, { databaseId: database.id, name: `${at}.txt`, content: `The animal of number ${at} is a zebra.` }),
    );
    const documents = await Promise.all(uploads);
    expect(database.documentCount).toBe(12);
    await Promise.all(documents.slice(0, 5).map(({ id }) => caller.documents.deleteDocument({ documentId: id })));
    expect(database.documentCount).toBe(7);
    const statistics = await caller.documents.getDocumentStatistics({ databaseId: database.id });
    const { DELETED: _, ...kept } = statistics.documentsByState;
    expect(Object.values(kept).reduce((sum, count) => sum + count, 0)).toBe(7);
  });
});
