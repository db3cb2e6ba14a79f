import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Job_JobStatus } from '@morag/gen/morag/documents/v1/job_pb.ts';
import { type Caller, createHarness, type Harness, upload } from './harness.ts';

let harness: Harness;
let front: Caller;

beforeAll(async () => {
  harness = await createHarness();
  // One that only answers calls, and two that work.
  front = await harness.caller(await harness.start({ workers: 0 }));
  await harness.start({ workers: 2 });
  await harness.start({ workers: 2 });
});
afterAll(() => harness.close());

it('instances share the work: everything once, and whoever watches hears of it', async () => {
  const database = harness.servers.add(front.userId);
  const uploads = Array.from({ length: 8 }, (_, at) =>
    upload(front, { databaseId: database.id, name: `${at}.txt`, content: `The animal of number ${at} is a zebra.` }),
  );
  const ends = (await Promise.all(uploads)).map(async ({ jobId }) => {
    let last: number | undefined;
    for await (const { job } of front.jobs.watchJob({ jobId })) last = job?.status;
    return last;
  });
  expect(await Promise.all(ends)).toEqual(uploads.map(() => Job_JobStatus.FINISHED));
  expect(harness.embedder.passages).toHaveLength(uploads.length);
  expect(harness.servers.written).toHaveLength(uploads.length);
  expect(database.records.size).toBe(uploads.length);
  expect(database.documentCount).toBe(uploads.length);
  const { jobs } = await front.jobs.listJobs({ pageSize: 100 });
  expect(jobs.map(({ attemptCount }) => attemptCount)).toEqual(uploads.map(() => 1));
}, 90_000);
