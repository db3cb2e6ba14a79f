import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Document_DocumentState } from '@morag/gen/morag/documents/v1/document_pb.ts';
import type { DocumentsInstance } from '../src/app.ts';
import type { FakeDatabase } from './fake-servers.ts';
import { type Caller, chapters, createHarness, type Harness, ingest, jobIs, reasonOf, upload } from './harness.ts';

let harness: Harness;
let instance: DocumentsInstance;
let caller: Caller;
let database: FakeDatabase;

beforeAll(async () => {
  harness = await createHarness();
  instance = await harness.start();
  caller = await harness.caller(instance);
  database = harness.servers.add(caller.userId);
});
afterAll(() => harness.close());

const PNG = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f0003860180' +
    '5a34957b0000000049454e44ae426082',
  'hex',
);
const file = (name: string, content: string | Uint8Array) => ({ databaseId: database.id, name, content });

describe('an upload that is refused', () => {
  it.each([
    ['an empty file', 'empty.txt', '', 'EMPTY_FILE'],
    ['a file over the limit', 'large.txt', 'a'.repeat(1024 * 1024 + 1), 'FILE_TOO_LARGE'],
    ['a type that cannot be ingested', 'picture.png', PNG, 'UNSUPPORTED_FILE_TYPE'],
    ['a picture that calls itself a text', 'picture.txt', PNG, 'UNSUPPORTED_FILE_TYPE'],
    ['a text that calls itself a PDF', 'paper.pdf', 'only text', 'UNSUPPORTED_FILE_TYPE'],
    ['a PDF that calls itself a text', 'paper.txt', '%PDF-1.7\n', 'UNSUPPORTED_FILE_TYPE'],
    ['no name', '', 'text', 'INVALID_ARGUMENT'],
    ['a name of 256 characters', 'n'.repeat(256), 'text', 'INVALID_ARGUMENT'],
    ['a name with control characters', 'a\u0000b', 'text', 'INVALID_ARGUMENT'],
  ])('%s leaves nothing', async (_what, name, content, reason) => {
    expect(await reasonOf(upload(caller, file(name, content)))).toBe(reason);
    expect((await caller.documents.listDocuments({})).documents).toEqual([]);
    expect(await readdir(join(harness.dataDir, 'blobs', '.staging'))).toEqual([]);
    expect(database.documentCount).toBe(0);
  });

  it('names a database that does not exist', async () => {
    const nowhere = { databaseId: crypto.randomUUID(), name: 'a.txt', content: 'text' };
    expect(await reasonOf(upload(caller, nowhere))).toBe('DATABASE_NOT_FOUND');
  });

  it('names no database', async () => {
    const requests = (async function* () {
      yield { name: 'a.txt', content: Buffer.from('text') };
    })();
    expect(await reasonOf(caller.documents.uploadDocument(requests))).toBe('INVALID_ARGUMENT');
  });

  it('brings metadata that are too large, or no text', async () => {
    const tooLarge = { ...file('a.txt', 'text'), metadata: { a: 'x'.repeat(17_000) } };
    expect(await reasonOf(upload(caller, tooLarge))).toBe('INVALID_ARGUMENT');
    const noText = { ...file('a.txt', 'text'), metadata: { a: 'x\u0000y' } };
    expect(await reasonOf(upload(caller, noText))).toBe('INVALID_ARGUMENT');
  });

  it('is for a database of another model, or of another dimension', async () => {
    const other = harness.servers.add(caller.userId, { provider: 'openai', model: 'text-embedding-3-small' });
    const longer = harness.servers.add(caller.userId, { dimension: 768 });
    for (const { id } of [other, longer]) {
      const call = upload(caller, { databaseId: id, name: 'a.txt', content: 'text' });
      expect(await reasonOf(call)).toBe('EMBEDDING_MISMATCH');
    }
  });

  it('comes from someone who may not write', async () => {
    const viewer = await harness.caller(instance, 'VIEWER', caller.userId);
    expect(await reasonOf(upload(viewer, file('a.txt', 'text')))).toBe('PERMISSION_DENIED');
  });
});

describe('a file that cannot be read', () => {
  const corrupt = '%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\nthis is not the rest of a PDF';

  it.each([
    ['a corrupt PDF', 'corrupt.pdf', corrupt, 'UNREADABLE_FILE'],
    ['a file without text', 'blank.txt', ' \n\t\n ', 'NO_TEXT_FOUND'],
    [
      'an HTML page without text',
      'blank.html',
      '<!doctype html><html><body><img src="x"></body></html>',
      'NO_TEXT_FOUND',
    ],
    ['JSON that is none', 'broken.json', '{"a": [1, 2', 'UNREADABLE_FILE'],
  ])('%s fails at once, with its reason', async (_what, name, content, reason) => {
    const { id, jobId } = await upload(caller, file(name, content));
    const job = await jobIs(caller, jobId, 'FAILED');
    expect(job).toMatchObject({ attemptCount: 1, failure: { reason } });
    expect(job.failure?.detail).toContain(name);
    const document = await caller.documents.getDocument({ documentId: id });
    expect(document).toMatchObject({ state: Document_DocumentState.PENDING, failure: { reason } });
  });

  it('leaves the last good version in search', async () => {
    const good = await ingest(caller, file('notes.json', JSON.stringify({ animal: 'The zebra is a striped horse.' })));
    const { jobId } = await upload(caller, file('notes.json', '{"animal": '));
    await jobIs(caller, jobId, 'FAILED');
    const { hits } = await caller.search.search({ databaseId: database.id, query: 'zebra' });
    expect(hits[0]?.document).toMatchObject({ id: good.id, version: 1 });
    const document = await caller.documents.getDocument({ documentId: good.id });
    expect(document).toMatchObject({ version: 1, state: Document_DocumentState.PENDING, chunkCount: good.chunkCount });
  });

  it('is tried again when it comes again', async () => {
    const first = await upload(caller, file('again.txt', '   '));
    await jobIs(caller, first.jobId, 'FAILED');
    const second = await upload(caller, file('again.txt', '   '));
    expect(second.jobId).toBe(first.jobId);
    const job = await jobIs(caller, second.jobId, 'FAILED');
    expect(job.attemptCount).toBeLessThanOrEqual(2);
    expect(second.version).toBe(1);
  });

  it('says nothing of a text that is not UTF-8 but can be read', async () => {
    const latin1 = Buffer.from(chapters('Käse').replaceAll('\u2019', "'"), 'latin1');
    const document = await ingest(caller, file('latin1.txt', latin1));
    const { chunks } = await caller.documents.listChunks({ documentId: document.id });
    expect(chunks[0]?.text).toContain('Käse');
  });
});
