import { ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ErrorInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { QuotaService } from '@morag/gen/morag/documents/v1/quota_service_pb.ts';
import type { DocumentsInstance } from '../src/app.ts';
import { type Caller, createHarness, type Harness, ingest, jobIs, reasonOf, upload } from './harness.ts';

const UPLOADS = 100;
/** Almost as many as the pools of two instances have connections: more would only wait for one, which has an end. */
const AT_ONCE = 24;
const LIMITS = { documents: 8, bytes: 4_000, jobs: 10 };

let harness: Harness;
let first: DocumentsInstance;
let second: DocumentsInstance;

beforeAll(async () => {
  harness = await createHarness({
    MORAG_QUOTA_DOCUMENTS: String(LIMITS.documents),
    MORAG_QUOTA_BYTES: String(LIMITS.bytes),
    MORAG_QUOTA_JOBS: String(LIMITS.jobs),
  });
  first = await harness.start();
  second = await harness.start({ workers: 0 });
});
afterAll(() => harness.close());

/** The same person through both instances, with a database. */
async function newOwner(): Promise<{ through: readonly [Caller, Caller]; databaseId: string }> {
  const caller = await harness.caller(first);
  const other = await harness.caller(second, 'USER', caller.userId);
  return { through: [caller, other], databaseId: harness.servers.add(caller.userId).id };
}
type Owner = Awaited<ReturnType<typeof newOwner>>;

const file = ({ databaseId }: Owner, name: string, bytes = 100) => ({
  databaseId,
  name: `${name}.txt`,
  content: `${name} and words `.repeat(bytes).slice(0, bytes),
});

/** What became of uploads, `AT_ONCE` at any time, half of them through either instance. */
async function uploadMany(owner: Owner, count: number, bytes?: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const numbers = Array.from({ length: count }, (_, n) => n).values();
  const uploadOn = async (caller: Caller): Promise<void> => {
    for (const n of numbers) {
      const reason = (await reasonOf(upload(caller, file(owner, `n${n}`, bytes)))) ?? 'OK';
      counts[reason] = (counts[reason] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => uploadOn(owner.through[at % 2 === 0 ? 0 : 1])));
  return counts;
}

async function metadataOf(call: Promise<unknown>): Promise<Record<string, string> | undefined> {
  const error = ConnectError.from(await call.catch((refused: unknown) => refused));
  return error.findDetails(ErrorInfoSchema)[0]?.metadata;
}

describe('of a hundred uploads on two instances, two dozen at once', () => {
  it('as many are taken as an owner may have documents', async () => {
    const owner = await newOwner();
    expect(await uploadMany(owner, UPLOADS, 10)).toEqual({ OK: 8, QUOTA_EXCEEDED: 92 });
    const [caller] = owner.through;
    expect(await metadataOf(upload(caller, file(owner, 'more')))).toEqual({
      quota: 'documents',
      limit: '8',
      used: '8',
    });
    const { documents } = await caller.documents.listDocuments({});
    expect(documents).toHaveLength(8);
    for (const { jobId } of documents) await jobIs(caller, jobId, 'FINISHED');
    await caller.documents.deleteDocument({ documentId: documents[0]?.id ?? '' });
    expect(await reasonOf(upload(caller, file(owner, 'more')))).toBeUndefined();
  });

  it('as many are taken as the bytes suffice for', async () => {
    expect(await uploadMany(await newOwner(), 20, 1_000)).toEqual({ OK: 4, QUOTA_EXCEEDED: 16 });
  });
});

describe('the bytes of an owner', () => {
  it('are those of all versions', async () => {
    const owner = await newOwner();
    const [caller] = owner.through;
    await ingest(caller, file(owner, 'a', 1_500));
    await ingest(caller, { ...file(owner, 'a'), content: 'other words '.repeat(200).slice(0, 1_600) });
    const third = upload(caller, { ...file(owner, 'a'), content: 'third words '.repeat(200).slice(0, 1_000) });
    expect(await metadataOf(third)).toEqual({ quota: 'bytes', limit: '4000', used: '3100' });
  });
});

describe('the jobs of an owner', () => {
  it('are bounded as long as they have not ended, retries too', async () => {
    const owner = await newOwner();
    const [caller] = owner.through;
    const { jobId } = await upload(caller, file(owner, 'a'));
    await jobIs(caller, jobId, 'FINISHED');
    await harness.sql(`update documents.jobs set status = 'CANCELLED' where id = $1`, [jobId]);
    await harness.sql(`update documents.documents set state = 'PENDING' where job_id = $1`, [jobId]);
    await harness.sql(
      `insert into documents.jobs (id, created_at, updated_at, owner_id, document_id, version_id, document_name,
         document_type, document_version, status)
       select gen_random_uuid(), now(), now(), owner_id, document_id, version_id, document_name, document_type,
         document_version, 'WAITING_FOR_REMOTE_WORKER' from documents.jobs, generate_series(1, 10) where id = $1`,
      [jobId],
    );
    const full = { quota: 'jobs', limit: '10', used: '10' };
    expect(await metadataOf(upload(caller, file(owner, 'b')))).toEqual(full);
    expect(await metadataOf(caller.jobs.retryJob({ jobId }))).toEqual(full);
  });
});

it('tells what is used', async () => {
  const owner = await newOwner();
  const [{ userId }] = owner.through;
  await ingest(owner.through[0], file(owner, 'a', 200));
  const listed = harness.asService(first, userId, QuotaService).listQuotas({});
  expect((await listed).quotas.map(({ name, used, limit }) => [name, Number(used), Number(limit)])).toEqual([
    ['documents', 1, LIMITS.documents],
    ['bytes', 200, LIMITS.bytes],
    ['jobs', 0, LIMITS.jobs],
  ]);
});
