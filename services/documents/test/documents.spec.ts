import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Document_DocumentState } from '@morag/gen/morag/documents/v1/document_pb.ts';
import type { DocumentsInstance } from '../src/app.ts';
import { type Caller, chapters, createHarness, type Harness, ingest } from './harness.ts';

let harness: Harness;
let instance: DocumentsInstance;
let caller: Caller;

beforeAll(async () => {
  harness = await createHarness();
  instance = await harness.start();
  caller = await harness.caller(instance);
});
afterAll(() => harness.close());

describe('a document', () => {
  it('is ingested and found', async () => {
    const database = harness.servers.add(caller.userId);
    const document = await ingest(caller, {
      databaseId: database.id,
      name: 'animals.md',
      content: chapters('zebra', 'walrus', 'ocelot'),
      metadata: { kind: 'manual' },
    });
    expect(document).toMatchObject({
      state: Document_DocumentState.INGESTED,
      type: 'markdown',
      version: 1,
      language: 'en',
      ownerId: caller.userId,
      metadata: { kind: 'manual' },
    });
    expect(document.chunkCount).toBeGreaterThanOrEqual(3);
    expect(document.quality).toBeGreaterThan(0.5);
    const { hits, degraded } = await caller.search.search({ databaseId: database.id, query: 'walrus', topK: 1 });
    expect(degraded).toBe(false);
    expect(hits[0]?.text).toContain('walrus');
    expect(hits[0]).toMatchObject({
      document: { id: document.id, name: 'animals.md', version: 1 },
      metadata: { kind: 'manual' },
    });
    expect(database.documentCount).toBe(1);
    expect(database.records.size).toBe(document.chunkCount);
  });
});
