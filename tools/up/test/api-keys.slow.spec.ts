import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { JobService } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { eventually } from '@morag/testing';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { newKey, newResources } from './resources.ts';

const run = promisify(execFile);

let all: AllServices;
let alice: Person;
let databaseId: string;
let otherId: string;
let documentId: string;
let jobId: string;
let id: string;
let key: string;

beforeAll(async () => {
  all = await startAllServices();
  alice = await all.newUser();
  const [mine, other] = await Promise.all([newResources(all, alice), newResources(all, alice)]);
  databaseId = mine.database_id ?? '';
  documentId = mine.document_id ?? '';
  otherId = other.database_id ?? '';
  jobId = mine.job_id ?? '';
  ({ id, key } = await newKey(all, alice, {
    permissions: ['databases:read', 'records:read', 'documents:read', 'documents:search', 'jobs:read'],
    resources: [`databases/${databaseId}`],
    cidrs: ['127.0.0.1/32'],
  }));
  const documents = createClient(DocumentService, all.transports.documents);
  await eventually(
    async () => {
      const { chunkCount } = await documents.getDocument({ documentId }, alice.as);
      if (chunkCount === 0) throw new Error('the document is not ingested yet');
    },
    { timeoutMs: 60_000 },
  );
}, 120_000);
afterAll(() => all.stop());

async function rest(path: string, body?: object, headers: Record<string, string> = { 'x-api-key': key }) {
  const response = await fetch(all.gateway + path, {
    method: body ? 'POST' : 'GET',
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, never[]> };
}

/** `OK` with the answer, or the name of the code. */
async function grpcurl(port: number, method: string, body: object): Promise<string> {
  const args = ['-plaintext', '-H', `authorization: Bearer ${key}`, '-d', JSON.stringify(body)];
  return run('grpcurl', [...args, `127.0.0.1:${port}`, method]).then(
    ({ stdout }) => `OK ${stdout}`,
    ({ stderr }: { stderr: string }) => /Code: (\w+)/.exec(stderr)?.[1] ?? stderr,
  );
}

const query = (database: string) => ({ query: 'a sentence', databaseId: database });

describe('a key for one database, read only, from 127.0.0.1', () => {
  it('searches that database over REST, by either header, and not by the query string', async () => {
    const ways: Record<string, string>[] = [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }];
    for (const headers of ways) {
      const found = await rest(`/v1/databases/${databaseId}:search`, { query: 'a sentence' }, headers);
      expect([found.status, found.body.hits?.length]).toEqual([200, 1]);
    }
    const path = `/v1/databases/${databaseId}?key=${key}&apiKey=${key}&access_token=${key}`;
    const { status, body } = await rest(path, undefined, {});
    expect([status, JSON.stringify(body).includes(key)]).toEqual([400, false]);
  });

  it('does nothing else over REST', async () => {
    const attempts = [
      [`/v1/databases/${otherId}:search`, { query: 'a sentence' }, 404],
      [`/v1/databases/${otherId}`, undefined, 404],
      [`/v1/databases/${databaseId}/records:upsert`, { records: [] }, 403],
      [`/v1/databases/${databaseId}/records:delete`, { ids: ['a'] }, 403],
      ['/v1/servers', undefined, 403],
      ['/v1/api-keys', undefined, 403],
      ['/v1/users', undefined, 403],
      ['/v1/auth/sessions', undefined, 403],
    ] as const;
    for (const [path, body, status] of attempts) {
      expect({ path, status: (await rest(path, body)).status }).toEqual({ path, status });
    }
    expect((await rest('/v1/databases')).body.databases).toMatchObject([{ id: databaseId }]);
    expect((await rest('/v1/documents')).body.documents).toMatchObject([{ id: documentId }]);
    expect((await rest('/v1/permissions')).body.permissions).toEqual([
      'databases:read',
      'documents:read',
      'documents:search',
      'jobs:read',
      'records:read',
    ]);
  });

  it('is the same to grpcurl on every port', async () => {
    const { documents, servers, identity } = all.ports;
    const search = 'morag.documents.v1.SearchService/Search';
    expect(await grpcurl(documents, search, query(databaseId))).toContain('"hits"');
    expect(await grpcurl(documents, search, query(otherId))).toBe('NotFound');
    expect(await grpcurl(servers, 'morag.servers.v1.DatabaseService/GetDatabase', { databaseId })).toContain('OK');
    expect(await grpcurl(servers, 'morag.servers.v1.DatabaseService/GetDatabase', { databaseId: otherId })).toBe(
      'NotFound',
    );
    expect(await grpcurl(servers, 'morag.servers.v1.DatabaseService/DeleteDatabase', { databaseId })).toBe(
      'PermissionDenied',
    );
    expect(await grpcurl(identity, 'morag.identity.v1.UserService/ListUsers', {})).toBe('PermissionDenied');
  });

  it('is refused everywhere soon after its revocation', async () => {
    const { getDatabase } = DatabaseService.method;
    const { getJob } = JobService.method;
    const { listPermissions } = AuthService.method;
    const isRefused = ({ code }: { code: string }): boolean => code === 'Unauthenticated';
    const paths = {
      rest: async () => (await rest(`/v1/databases/${databaseId}`)).status === 401,
      search: async () => (await rest(`/v1/databases/${databaseId}:search`, { query: 'x' })).status === 401,
      servers: () => all.call('servers', getDatabase, create(getDatabase.input, { databaseId }), key).then(isRefused),
      documents: () => all.call('documents', getJob, create(getJob.input, { jobId }), key).then(isRefused),
      identity: () => all.call('identity', listPermissions, create(listPermissions.input), key).then(isRefused),
    };
    for (const refused of Object.values(paths)) expect(await refused()).toBe(false);
    const begun = performance.now();
    await createClient(ApiKeyService, all.transports.identity).revokeApiKey({ apiKeyId: id }, alice.as);
    await Promise.all(
      Object.values(paths).map((refused) => eventually(async () => expect(await refused()).toBe(true))),
    );
    // A second is promised, and measured by P3 of the benchmarks; here other tests may have the cores.
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});
