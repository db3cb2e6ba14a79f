import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateMasterKey } from '@morag/crypto';
import { Document_DocumentState } from '@morag/gen/morag/documents/v1/document_pb.ts';
import { Job_JobStatus, Job_Stage } from '@morag/gen/morag/documents/v1/job_pb.ts';
import { createServiceTransport } from '@morag/rpc';
import { createTestDatabase, eventually, freePort, spawnLeashed } from '@morag/testing';
import { createFakeIdentity } from './fake-identity.ts';
import { FakeServers } from './fake-servers.ts';
import { type Caller, chapters, clientsOf, upload, withHeader } from './harness.ts';

const { PROCESSING, FINISHED } = Job_JobStatus;
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const identity = createFakeIdentity();
const servers = new FakeServers();
let peers: Server;
let database: { url: string; drop(): Promise<void> };
let env: Record<string, string>;
let caller: Caller;
let child: ChildProcess | undefined;

beforeAll(async () => {
  database = await createTestDatabase('crash');
  peers = createServer(
    connectNodeAdapter({
      routes(router) {
        identity.routes(router);
        servers.routes(router);
      },
    }),
  );
  peers.listen(0, '127.0.0.1');
  await once(peers, 'listening');
  const peerPort = String((peers.address() as AddressInfo).port);
  const port = String(await freePort());
  env = {
    PATH: process.env.PATH ?? '',
    MORAG_DATABASE_URL: database.url,
    MORAG_MASTER_KEY: generateMasterKey(),
    MORAG_AUTO_MIGRATE: 'true',
    MORAG_DATA_DIR: await mkdtemp(join(tmpdir(), 'morag-crash-')),
    MORAG_DOCUMENTS_PORT: port,
    MORAG_IDENTITY_PORT: peerPort,
    MORAG_SERVERS_PORT: peerPort,
  };
  const userId = crypto.randomUUID();
  const transport = createServiceTransport({ baseUrl: `http://127.0.0.1:${port}` });
  caller = {
    userId,
    ...clientsOf(
      withHeader(
        transport,
        identity.token(userId).then((token) => `Bearer ${token}`),
      ),
    ),
  };
}, 60_000);

afterAll(async () => {
  child?.kill('SIGKILL');
  peers.closeAllConnections();
  peers.close();
  await database.drop();
  await rm(env.MORAG_DATA_DIR ?? '', { recursive: true, force: true });
});

async function start(): Promise<ChildProcess> {
  child = spawnLeashed(MAIN, [], { env, stdout: 'inherit', stderr: 'inherit' });
  await eventually(() => caller.jobs.listJobs({}), { timeoutMs: 60_000, intervalMs: 100 });
  return child;
}

async function kill(process: ChildProcess): Promise<void> {
  process.kill('SIGKILL');
  await once(process, 'exit');
}

describe('the service, killed in the middle of its work', () => {
  it('ingests everything in the end: no passage twice, counts exact', async () => {
    const target = servers.add(caller.userId, { dimension: 384 });
    child = await start();
    const topics = ['zebra', 'walrus', 'ocelot', 'badger'];
    const names = ['first.md', 'second.md', 'third.md'];
    for (const name of names) {
      await upload(caller, { databaseId: target.id, name, content: chapters(...topics.map((it) => `${name} ${it}`)) });
    }
    for (let kills = 0; kills < 2; kills += 1) {
      await eventually(
        async () => {
          const { jobs } = await caller.jobs.listJobs({});
          const isWorking = jobs.some(({ stage, status }) => stage === Job_Stage.EMBEDDING && status === PROCESSING);
          expect(isWorking || jobs.every(({ status }) => status === FINISHED)).toBe(true);
        },
        { timeoutMs: 60_000 },
      );
      await kill(child);
      child = await start();
    }
    const documents = await eventually(
      async () => {
        const found = (await caller.documents.listDocuments({ databaseId: target.id })).documents;
        expect(found.map(({ state }) => state)).toEqual(names.map(() => Document_DocumentState.INGESTED));
        return found;
      },
      { timeoutMs: 180_000, intervalMs: 100 },
    );
    expect(target.records.size).toBe(documents.reduce((sum, { chunkCount }) => sum + chunkCount, 0));
    expect(target.documentCount).toBe(names.length);
    const { hits } = await caller.search.search({ databaseId: target.id, query: 'first.md zebra', topK: 100 });
    const places = hits.map(({ document, position }) => `${document?.id}/${position?.index}`);
    expect(new Set(places).size).toBe(places.length);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  }, 600_000);
});
