import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Document_DocumentState } from '@morag/gen/morag/documents/v1/document_pb.ts';
import { eventually } from '@morag/testing';
import type { DocumentsInstance } from '../src/app.ts';
import { type Caller, createHarness, type Harness, reasonOf, upload } from './harness.ts';

let harness: Harness;
let instance: DocumentsInstance;
let caller: Caller;

beforeAll(async () => {
  harness = await createHarness();
  instance = await harness.start();
  caller = await harness.caller(instance);
});
afterAll(() => harness.close());

it('PostgreSQL cutting connections again and again loses no answered upload, and leaves nothing stuck', async () => {
  const database = harness.servers.add(caller.userId);
  const answered = new Set<string>();
  const reasons = new Set<string>();
  let isOver = false;
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; !isOver; n += 1) {
      const name = `${writer}-${n}.txt`;
      const content = `The animal of writer ${writer} and number ${n} is a zebra.`;
      const reason = await reasonOf(upload(caller, { databaseId: database.id, name, content }));
      if (reason === undefined) answered.add(name);
      else reasons.add(reason);
    }
  };
  const writers = [0, 1].map(write);
  try {
    for (let cut = 0; cut < 6; cut += 1) {
      const before = answered.size;
      await eventually(() => expect(answered.size).toBeGreaterThan(before + 3), { timeoutMs: 30_000 });
      await harness.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and application_name like 'morag-%'`,
      );
    }
  } finally {
    isOver = true;
    await Promise.all(writers);
  }
  expect([...reasons].filter((reason) => reason !== 'UNAVAILABLE')).toEqual([]);

  const documents = await eventually(
    async () => {
      const { documents: found } = await caller.documents.listDocuments({ databaseId: database.id, pageSize: 1000 });
      expect(found.filter(({ state }) => state !== Document_DocumentState.INGESTED)).toEqual([]);
      return found;
    },
    // A minute's pause after a fourth failure, and a ticket that was lost comes again after three quarters of one.
    { timeoutMs: 180_000, intervalMs: 200 },
  );
  // An upload whose answer was lost may be there; one that was answered must be.
  expect([...answered].filter((name) => !documents.some((document) => document.name === name))).toEqual([]);
  expect(database.records.size).toBe(documents.reduce((sum, { chunkCount }) => sum + chunkCount, 0));
  await eventually(() => expect(database.documentCount).toBe(documents.length), { timeoutMs: 30_000 });
}, 420_000);
