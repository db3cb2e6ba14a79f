import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Document_DocumentState, DocumentVersion_VersionState } from '@morag/gen/morag/documents/v1/document_pb.ts';
import { Filter_Op } from '@morag/gen/morag/servers/v1/record_pb.ts';
import { eventually } from '@morag/testing';
import type { DocumentsInstance } from '../src/app.ts';
import type { FakeDatabase } from './fake-servers.ts';
import {
  type Caller,
  chapters,
  createHarness,
  find,
  type Harness,
  ingest,
  jobIs,
  reasonOf,
  upload,
} from './harness.ts';

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

const file = (content: string, name = 'animals.md') => ({ databaseId: database.id, name, content });

describe('a document', () => {
  it('is ingested and found', async () => {
    const content = chapters('zebra', 'walrus', 'ocelot');
    const document = await ingest(caller, { ...file(content), metadata: { kind: 'manual' } });
    expect(document).toMatchObject({
      state: Document_DocumentState.INGESTED,
      type: 'markdown',
      version: 1,
      language: 'en',
      ownerId: caller.userId,
      metadata: { kind: 'manual' },
      sizeBytes: BigInt(Buffer.byteLength(content)),
    });
    expect(document.chunkCount).toBeGreaterThanOrEqual(3);
    expect(document.quality).toBeGreaterThan(0.5);
    const { hits, degraded } = await caller.search.search({ databaseId: database.id, query: 'walrus', topK: 1 });
    expect(degraded).toBe(false);
    expect(hits[0]?.text).toContain('walrus');
    expect(hits[0]).toMatchObject({ document: { id: document.id, version: 1 }, metadata: { kind: 'manual' } });
    expect(database.documentCount).toBe(1);
    expect(database.records.size).toBe(document.chunkCount);
  });

  it('shows its job from the first stage to the last, never backwards', async () => {
    const { jobId } = await upload(caller, file(chapters('zebra', 'walrus')));
    const seen: { percentage: number; stage: number }[] = [];
    for await (const { job } of caller.jobs.watchJob({ jobId })) {
      if (job) seen.push({ percentage: job.percentage, stage: job.stage });
    }
    expect(seen.at(-1)).toMatchObject({ percentage: 100 });
    expect(seen).toEqual([...seen].sort((a, b) => a.percentage - b.percentage));
    const job = await caller.jobs.getJob({ jobId });
    expect(job).toMatchObject({ attemptCount: 1, documentVersion: 1 });
    expect(job.attempts).toMatchObject([{ number: 1 }]);
    expect(job.endTime).toBeDefined();
  });

  it('lists its passages in reading order and page by page', async () => {
    const { id, chunkCount } = await ingest(caller, file(chapters('zebra', 'walrus', 'ocelot')));
    const positions: number[] = [];
    let pageToken = '';
    do {
      const page = await caller.documents.listChunks({ documentId: id, pageSize: 2, pageToken });
      positions.push(...page.chunks.map(({ position }) => position?.index ?? -1));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(positions).toEqual(Array.from({ length: chunkCount }, (_, index) => index));
  });

  it('changes its name and metadata at once, also in search', async () => {
    const { id, etag } = await ingest(caller, file(chapters('zebra')));
    const document = { name: 'stripes.md', metadata: { kind: 'paper' }, etag };
    const updated = await caller.documents.updateDocument({ documentId: id, document });
    expect(updated).toMatchObject({ name: 'stripes.md', metadata: { kind: 'paper' } });
    const filter = {
      field: 'kind',
      op: Filter_Op.EQ,
      value: { kind: { case: 'stringValue' as const, value: 'paper' } },
    };
    const { hits } = await caller.search.search({ databaseId: database.id, query: 'zebra', filter });
    expect(hits[0]?.document?.name).toBe('stripes.md');
    expect(await reasonOf(caller.documents.updateDocument({ documentId: id, document }))).toBe('ETAG_MISMATCH');
  });

  it('cannot take the name of another one', async () => {
    await ingest(caller, file(chapters('zebra'), 'a.md'));
    const { id } = await ingest(caller, file(chapters('walrus'), 'b.md'));
    const update = caller.documents.updateDocument({ documentId: id, document: { name: 'a.md' } });
    expect(await reasonOf(update)).toBe('ALREADY_EXISTS');
  });
});

describe('the same name again', () => {
  it('changes nothing with the same content', async () => {
    const first = await ingest(caller, file(chapters('zebra')));
    const second = await upload(caller, file(chapters('zebra')));
    expect(second).toEqual(first);
    expect(database.documentCount).toBe(1);
  });

  it('makes the next version, and embeds and writes only what is new', async () => {
    await ingest(caller, file(chapters('zebra', 'walrus', 'ocelot')));
    const [written, embedded] = [harness.servers.written.length, harness.embedder.passages.length];
    const second = await ingest(caller, file(chapters('zebra', 'badger', 'ocelot')));
    expect(second).toMatchObject({ version: 2, state: Document_DocumentState.INGESTED });
    const fresh = harness.servers.written.length - written;
    expect(harness.embedder.passages.length - embedded).toBe(fresh);
    expect(fresh).toBeLessThan(second.chunkCount);
    expect(await find(caller, database.id, 'walrus')).not.toContainEqual(expect.stringContaining('walrus'));
    expect((await find(caller, database.id, 'badger', 1))[0]).toContain('badger');
    const { versions } = await caller.documents.listDocumentVersions({ documentId: second.id });
    expect(versions.map(({ version, state }) => [version, state])).toEqual([
      [2, DocumentVersion_VersionState.ACTIVE],
      [1, DocumentVersion_VersionState.SUPERSEDED],
    ]);
    await eventually(() => expect(database.records.size).toBe(second.chunkCount), { timeoutMs: 10_000 });
    expect(database.documentCount).toBe(1);
  });

  it('keeps the old version in search until the new one is complete', async () => {
    await ingest(caller, file(chapters('zebra')));
    const release = harness.embedder.hold();
    const { id: documentId, jobId, version } = await upload(caller, file(chapters('badger')));
    expect(version).toBe(1);
    await jobIs(caller, jobId, 'PROCESSING');
    const document = await caller.documents.getDocument({ documentId });
    expect(document).toMatchObject({ state: Document_DocumentState.INGESTING, version: 1 });
    expect((await find(caller, database.id, 'zebra', 1))[0]).toContain('zebra');
    release();
    await jobIs(caller, jobId, 'FINISHED');
    const texts = await find(caller, database.id, 'zebra badger', 50);
    expect(texts.every((text) => text.includes('badger'))).toBe(true);
  });

  it('supersedes a version that is still being ingested', async () => {
    const release = harness.embedder.hold();
    const first = await upload(caller, file(chapters('zebra')));
    await jobIs(caller, first.jobId, 'PROCESSING');
    const second = await upload(caller, file(chapters('badger')));
    await jobIs(caller, first.jobId, 'CANCELLED');
    release();
    await jobIs(caller, second.jobId, 'FINISHED');
    const document = await caller.documents.getDocument({ documentId: first.id });
    expect(document).toMatchObject({ id: second.id, version: 2, state: Document_DocumentState.INGESTED });
    expect(await find(caller, database.id, 'zebra')).not.toContainEqual(expect.stringContaining('zebra'));
  });

  it('is one document however many come at once', async () => {
    const uploads = Array.from({ length: 8 }, (_, at) => upload(caller, file(chapters(`animal${at}`))));
    const ids = (await Promise.all(uploads)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(1);
    await eventually(
      async () => {
        const document = await caller.documents.getDocument({ documentId: ids[0] ?? '' });
        expect(document).toMatchObject({ version: 8, state: Document_DocumentState.INGESTED });
      },
      { timeoutMs: 20_000 },
    );
    expect(database.documentCount).toBe(1);
  });
});

describe('leaving search', () => {
  it('deprecates and restores, and refuses every other transition', async () => {
    const { id: documentId } = await ingest(caller, file(chapters('zebra')));
    expect(await reasonOf(caller.documents.restoreDocument({ documentId }))).toBe('INVALID_DOCUMENT_STATE');
    const deprecated = await caller.documents.deprecateDocument({ documentId });
    expect(deprecated.state).toBe(Document_DocumentState.DEPRECATED);
    expect(await find(caller, database.id, 'zebra')).toEqual([]);
    expect(await reasonOf(upload(caller, file(chapters('badger'))))).toBe('INVALID_DOCUMENT_STATE');
    const restored = await caller.documents.restoreDocument({ documentId });
    expect(restored.state).toBe(Document_DocumentState.INGESTED);
    expect((await find(caller, database.id, 'zebra', 1))[0]).toContain('zebra');
  });

  it('deletes at once, records and rows too', async () => {
    const { id: documentId } = await ingest(caller, file(chapters('zebra')));
    await caller.documents.deleteDocument({ documentId });
    expect(await find(caller, database.id, 'zebra')).toEqual([]);
    expect(database.records.size).toBe(0);
    expect(database.documentCount).toBe(0);
    expect(await reasonOf(caller.documents.getDocument({ documentId }))).toBe('DOCUMENT_NOT_FOUND');
    const again = await ingest(caller, file(chapters('zebra')));
    expect(again).toMatchObject({ version: 1 });
    expect(again.id).not.toBe(documentId);
  });

  it('waits as DELETED while the vector server is away', async () => {
    const { id: documentId } = await ingest(caller, file(chapters('zebra')));
    harness.servers.vectorsDown = true;
    await caller.documents.deleteDocument({ documentId });
    expect(await caller.documents.getDocument({ documentId })).toMatchObject({ state: Document_DocumentState.DELETED });
    expect((await caller.documents.listDocuments({})).documents).toEqual([]);
    expect((await caller.documents.listDocuments({ filter: 'state = "DELETED"' })).documents).toHaveLength(1);
    expect(await find(caller, database.id, 'zebra')).toEqual([]);
    harness.servers.vectorsDown = false;
    await eventually(
      async () => {
        // Each time: an attempt that was under way while the server was away puts them off once more when it fails.
        await harness.sql('update documents.record_tombstones set due_at = now()');
        expect(await reasonOf(caller.documents.getDocument({ documentId }))).toBe('DOCUMENT_NOT_FOUND');
      },
      { timeoutMs: 25_000 },
    );
    expect(database.records.size).toBe(0);
  }, 60_000);
});

describe('from the other services', () => {
  it('takes a deleted database away from its documents', async () => {
    const { id: documentId } = await ingest(caller, file(chapters('zebra')));
    await harness.internal(instance).detachDatabase({ databaseId: database.id });
    const document = await caller.documents.getDocument({ documentId });
    expect(document).toMatchObject({ databaseId: '', state: Document_DocumentState.INGESTED });
    expect(await harness.sql('select from documents.chunk_lexemes where database_id = $1', [database.id])).toEqual([]);
    await caller.documents.deleteDocument({ documentId });
    expect(await reasonOf(caller.documents.getDocument({ documentId }))).toBe('DOCUMENT_NOT_FOUND');
  });

  it('removes everything of an owner who is gone', async () => {
    const { id: documentId } = await ingest(caller, file(chapters('zebra')));
    await harness.internal(instance).purgeOwner({ ownerId: caller.userId });
    expect(await reasonOf(caller.documents.getDocument({ documentId }))).toBe('DOCUMENT_NOT_FOUND');
    expect((await caller.jobs.listJobs({})).jobs).toEqual([]);
  });

  it('does neither for a user', async () => {
    expect(await reasonOf(caller.documents.purgeOwner({ ownerId: caller.userId }))).toBe('PERMISSION_DENIED');
  });
});

describe('lists and figures', () => {
  it('shows only the own ones, filtered and in order', async () => {
    await ingest(caller, file(chapters('zebra'), 'a.md'));
    await ingest(caller, file('Some plain text about the walrus that is long enough to be read.', 'b.txt'));
    const stranger = await harness.caller(instance);
    expect((await stranger.documents.listDocuments({})).documents).toEqual([]);
    const names = async (request: { filter?: string; orderBy?: string }) =>
      (await caller.documents.listDocuments(request)).documents.map(({ name }) => name);
    expect(await names({})).toEqual(['b.txt', 'a.md']);
    expect(await names({ orderBy: 'name' })).toEqual(['a.md', 'b.txt']);
    expect(await names({ filter: 'type = "text"' })).toEqual(['b.txt']);
    expect(await reasonOf(names({ filter: 'owner = "x"' }))).toBe('INVALID_LIST_FILTER');
    const statistics = await caller.documents.getDocumentStatistics({});
    expect(statistics).toMatchObject({ documentsByState: { INGESTED: 2 }, documentsByType: { markdown: 1, text: 1 } });
    expect(await caller.jobs.getJobStatistics({})).toMatchObject({ jobsByStatus: { FINISHED: 2 } });
  });

  it("answers another owner's ids as ids that do not exist", async () => {
    const { id: documentId, jobId } = await ingest(caller, file(chapters('zebra')));
    const stranger = await harness.caller(instance);
    const calls = [
      stranger.documents.getDocument({ documentId }),
      stranger.documents.updateDocument({ documentId, document: { name: 'mine' } }),
      stranger.documents.deleteDocument({ documentId }),
      stranger.documents.deprecateDocument({ documentId }),
      stranger.documents.listDocumentVersions({ documentId }),
      stranger.documents.listChunks({ documentId }),
    ];
    expect(await Promise.all(calls.map(reasonOf))).toEqual(calls.map(() => 'DOCUMENT_NOT_FOUND'));
    const jobCalls = [
      stranger.jobs.getJob({ jobId }),
      stranger.jobs.cancelJob({ jobId }),
      stranger.jobs.retryJob({ jobId }),
    ];
    expect(await Promise.all(jobCalls.map(reasonOf))).toEqual(jobCalls.map(() => 'JOB_NOT_FOUND'));
    const search = stranger.search.search({ databaseId: database.id, query: 'zebra' });
    expect(await reasonOf(search)).toBe('DATABASE_NOT_FOUND');
    expect(await reasonOf(upload(stranger, file('text')))).toBe('DATABASE_NOT_FOUND');
  });
});
