import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { EmbedderError } from '@morag/embedder';
import { Webhook_EventType } from '@morag/gen/morag/servers/v1/webhook_pb.ts';
import { eventually } from '@morag/testing';
import type { DocumentsInstance } from '../src/app.ts';
import type { FakeDatabase } from './fake-servers.ts';
import { type Caller, createHarness, type Harness, ingest, jobIs, upload } from './harness.ts';

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

const note = (text = 'A note about zebras.') => ({ databaseId: database.id, name: 'note.md', content: text });
/** What the owner's webhooks are told, in order. */
const told = () => harness.servers.announced.filter(({ ownerId }) => ownerId === caller.userId);
const toldOf = (jobId: string) => told().filter(({ data }) => data?.id === jobId);

it('a job that finishes is announced once, as it then stands', async () => {
  const { jobId, id } = await ingest(caller, note());
  await eventually(() => expect(toldOf(jobId)).toHaveLength(1));
  const job = await caller.jobs.getJob({ jobId });
  expect(toldOf(jobId)).toMatchObject([
    {
      type: Webhook_EventType.JOB_FINISHED,
      time: { seconds: job.endTime?.seconds },
      data: { id: jobId, documentId: id, status: 'FINISHED', percentage: 100, databaseId: database.id },
    },
  ]);
});

it('a job that fails is announced with its reason, and again, with another id, when it is tried again', async () => {
  harness.embedder.failure = new EmbedderError('The model is gone.', { retryable: false });
  const { jobId } = await upload(caller, note());
  await jobIs(caller, jobId, 'FAILED');
  harness.embedder.failure = undefined;
  await caller.jobs.retryJob({ jobId });
  await jobIs(caller, jobId, 'FINISHED');
  await eventually(() => expect(toldOf(jobId)).toHaveLength(2));
  expect(toldOf(jobId)).toMatchObject([
    { type: Webhook_EventType.JOB_FAILED, data: { failure: { reason: 'EMBEDDER_FAILED' } } },
    { type: Webhook_EventType.JOB_FINISHED },
  ]);
  expect(new Set(toldOf(jobId).map(({ eventId }) => eventId)).size).toBe(2);
});

it('jobs are announced that a newer version, their caller and the end of their database cancel', async () => {
  harness.servers.vectorsDown = true;
  const first = await upload(caller, note());
  const second = await upload(caller, note('Another note.'));
  await caller.jobs.cancelJob({ jobId: second.jobId });
  const third = await upload(caller, note('A third one.'));
  harness.servers.databases.delete(database.id);
  await harness.internal(instance).detachDatabase({ databaseId: database.id });
  harness.servers.vectorsDown = false;
  const ids = [first.jobId, second.jobId, third.jobId];
  for (const jobId of ids) {
    await eventually(() => expect(toldOf(jobId)).toMatchObject([{ type: Webhook_EventType.JOB_CANCELLED }]));
  }
  expect(
    told()
      .map(({ data }) => String(data?.summary))
      .toSorted(),
  ).toEqual(['A newer version was uploaded', 'Cancelled', 'The database was deleted']);
});

it('nothing is lost while the servers service is away, nor told of a job that has yet to end', async () => {
  const release = harness.embedder.hold();
  const { jobId } = await upload(caller, note());
  await jobIs(caller, jobId, 'PROCESSING');
  harness.servers.down = true;
  expect(told()).toEqual([]);
  await caller.jobs.cancelJob({ jobId });
  release();
  await eventually(async () => {
    const [event] = await harness.sql<{ attempts: number }>('select attempts from documents.outbox_events');
    expect(event?.attempts).toBeGreaterThan(1);
  });
  await instance.stop();
  harness.servers.down = false;
  instance = await harness.start();
  await eventually(() => expect(toldOf(jobId)).toMatchObject([{ type: Webhook_EventType.JOB_CANCELLED }]));
});
