import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallOptions } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createServiceTokens, PERMISSIONS, serviceTokenSecret } from '@morag/auth';
import { loadRootKey } from '@morag/crypto';
import { type EmbeddedChroma, startEmbeddedChroma } from '@morag/embedded';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { createServiceTransport, type ServiceTransport } from '@morag/rpc';
import { createTestDatabase, eventually, freePort, spawnLeashed } from '@morag/testing';
import { record, refusal } from './data.ts';
import { bearer, type Clients, clientsOf } from './harness.ts';

const MAIN = fileURLToPath(new URL('./instance.main.ts', import.meta.url));
const KILLS = 4;

let folder: string;
let chroma: EmbeddedChroma;
let chromaPort: number;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let env: Record<string, string>;
let alice: CallOptions;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'morag-servers-killed-'));
  chromaPort = await freePort();
  chroma = await startEmbeddedChroma({ folder, port: chromaPort });
  database = await createTestDatabase('servers');
  env = {
    MORAG_DATABASE_URL: database.url,
    MORAG_AUTO_MIGRATE: 'true',
    MORAG_MASTER_KEY: randomBytes(32).toString('base64'),
    MORAG_EGRESS_ALLOW: '127.0.0.0/8',
  };
  const secret = serviceTokenSecret(await loadRootKey({ key: env.MORAG_MASTER_KEY }));
  const tokens = createServiceTokens({ service: 'documents', secret });
  const spec = { audience: 'servers', ownerId: randomUUID(), permissions: PERMISSIONS, ttlSeconds: 300 };
  alice = { ...bearer(await tokens.issue(spec)), timeoutMs: 15_000 };
});

afterAll(async () => {
  await chroma.stop();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

interface Running extends Clients {
  readonly child: ChildProcess;
  readonly transport: ServiceTransport;
}

async function startInstance(): Promise<Running> {
  const child = spawnLeashed(MAIN, [], { env: { PATH: process.env.PATH, ...env }, stdout: 'pipe', stderr: 'inherit' });
  const [said] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
  const transport = createServiceTransport({ baseUrl: `http://127.0.0.1:${said.toString().trim()}` });
  return { child, transport, ...clientsOf(transport) };
}

async function kill({ child, transport }: Running): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  transport.close();
}

it('a service that is killed again and again loses no answered write', async () => {
  let running = await startInstance();
  const server = { name: 'chroma', type: Server_DatabaseType.CHROMA, host: '127.0.0.1', port: chromaPort };
  const { id: serverId } = await running.servers.createServer({ server }, alice);
  await running.servers.testConnection({ serverId }, alice);
  const { id: databaseId } = await running.databases.createDatabase(
    { database: { name: 'd', dimension: 3, serverId } },
    alice,
  );

  const answered: string[] = [];
  let token = '';
  let isOver = false;
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      const id = `w${writer}-${n}`;
      const { records } = running;
      await records.upsertRecords({ databaseId, records: [record(id)] }, alice).then(
        (response) => {
          answered.push(id);
          token = response.token;
        },
        // Not answered: it may be there or not. A service that is gone is waited for.
        () => eventually(() => expect(running.records).not.toBe(records), { timeoutMs: 30_000 }),
      );
    }
  };
  const writers = Array.from({ length: 6 }, (_, writer) => write(writer));
  for (let killed = 0; killed < KILLS; killed++) {
    const before = answered.length;
    await eventually(() => expect(answered.length).toBeGreaterThan(before + 30), { timeoutMs: 30_000 });
    await kill(running);
    running = await startInstance();
  }
  isOver = true;
  await Promise.all(writers);

  const found = new Set<string>();
  for (let at = 0; at < answered.length; at += 1_000) {
    const ids = answered.slice(at, at + 1_000);
    const { records } = await running.records.fetchRecords({ databaseId, ids, token }, alice);
    for (const { id } of records) found.add(id);
  }
  expect(answered.filter((id) => !found.has(id))).toEqual([]);
  const duplicate = running.databases.createDatabase({ database: { name: 'd', dimension: 3, serverId } }, alice);
  expect((await refusal(duplicate)).reason).toBe('DATABASE_EXISTS');
  await kill(running);
}, 180_000);
