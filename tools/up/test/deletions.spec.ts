import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { JobService } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { eventually } from '@morag/testing';
import { type AllServices, startAllServices } from './all-services.ts';
import { newResources } from './resources.ts';

let all: AllServices;
beforeAll(async () => {
  all = await startAllServices();
}, 60_000);
afterAll(() => all.stop());

function clients() {
  const { identity, servers, documents } = all.transports;
  return {
    users: createClient(UserService, identity),
    servers: createClient(ServerService, servers),
    databases: createClient(DatabaseService, servers),
    documents: createClient(DocumentService, documents),
    jobs: createClient(JobService, documents),
  };
}

async function reasonFor(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(
    () => 'no error',
    (error: unknown) => reasonOf(error),
  );
}

/** How many collections the vector server itself holds. */
async function collections(): Promise<number> {
  const path = '/api/v2/tenants/default_tenant/databases/default_database/collections_count';
  return Number(await (await fetch(all.chroma.url + path)).text());
}

it('a deleted user takes along what it owned in every service', async () => {
  const before = await collections();
  const leaving = await all.newUser();
  const staying = await all.newUser();
  const [gone, kept] = [await newResources(all, leaving), await newResources(all, staying)];
  const { users, servers, databases, documents, jobs } = clients();
  await users.deleteUser({ userId: 'me' }, leaving.as);

  const { as } = all.administrator;
  const { server_id: serverId, database_id: databaseId, document_id: documentId, job_id: jobId } = gone;
  await eventually(async () => expect(await reasonFor(servers.getServer({ serverId }, as))).toBe('SERVER_NOT_FOUND'), {
    timeoutMs: 15_000,
  });
  expect(await reasonFor(databases.getDatabase({ databaseId }, as))).toBe('DATABASE_NOT_FOUND');
  expect(await reasonFor(documents.getDocument({ documentId }, as))).toBe('DOCUMENT_NOT_FOUND');
  expect(await reasonFor(jobs.getJob({ jobId }, as))).toBe('JOB_NOT_FOUND');
  await eventually(async () => expect(await collections()).toBe(before + 1), { timeoutMs: 15_000 });

  expect((await documents.getDocument({ documentId: kept.document_id }, staying.as)).databaseId).toBe(kept.database_id);
}, 60_000);

it('documents of a deleted database stay without one', async () => {
  const person = await all.newUser();
  const { database_id: databaseId, document_id: documentId } = await newResources(all, person);
  const { databases, documents } = clients();
  await databases.deleteDatabase({ databaseId }, person.as);
  await eventually(async () => expect((await documents.getDocument({ documentId }, person.as)).databaseId).toBe(''), {
    timeoutMs: 15_000,
  });
  expect((await documents.listDocuments({}, person.as)).documents).toHaveLength(1);
}, 60_000);
