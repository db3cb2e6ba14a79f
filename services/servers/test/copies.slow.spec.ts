import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import type { CallOptions } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createServiceTokens, PERMISSIONS, serviceTokenSecret } from '@morag/auth';
import { loadRootKey } from '@morag/crypto';
import { Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { VerifyPlacementsResponseSchema } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { createServiceTransport, type ServiceTransport } from '@morag/rpc';
import { createTestDatabase, eventually, spawnLeashed } from '@morag/testing';
import { record } from './data.ts';
import { bearer, type Clients, clientsOf } from './harness.ts';
import { type RealServer, startRealServer } from './real-servers.ts';

const MAIN = fileURLToPath(new URL('./instance.main.ts', import.meta.url));
const RECORDS = 3_000;
const KILLS = 5;
const WAIT = { timeoutMs: 60_000 };

let chroma: RealServer;
let postgres: RealServer;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let env: Record<string, string>;
let alice: CallOptions;

beforeAll(async () => {
  [chroma, postgres] = await Promise.all([startRealServer('chroma'), startRealServer('pgvector')]);
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
}, 240_000);

afterAll(async () => {
  await Promise.all([chroma.remove(), postgres.remove()]);
  await database.drop();
}, 60_000);

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

async function register({ servers }: Clients, { registration, port }: RealServer): Promise<string> {
  const server = { ...registration, name: randomUUID(), port };
  const { id: serverId } = await servers.createServer({ server }, alice);
  await servers.testConnection({ serverId }, alice);
  return serverId;
}

it('a copy whose makers and whose server are killed again and again is equal at rest', async () => {
  let [first, second] = await Promise.all([startInstance(), startInstance()]);
  const from = await register(first, chroma);
  const to = await register(first, postgres);
  const spec = { name: 'd', dimension: 3, serverId: from };
  const { id: databaseId } = await first.databases.createDatabase({ database: spec }, alice);
  for (let at = 0; at < RECORDS; at += 1_000) {
    const records = Array.from({ length: 1_000 }, (_, n) => record(`r${at + n}`, { x: at + n + 1 }));
    await first.records.upsertRecords({ databaseId, records }, { ...alice, timeoutMs: 60_000 });
  }
  const placement = { serverId: to };
  const { id: placementId } = await first.databases.createPlacement({ databaseId, placement }, alice);

  const deleted = new Set<string>();
  let isOver = false;
  let writes = 0;
  const load = (async () => {
    for (let n = 0; !isOver; n++) {
      const { records } = n % 2 === 0 ? first : second;
      const gone = `r${(n * 7) % RECORDS}`;
      try {
        await records.upsertRecords({ databaseId, records: [record(`w${n}`), record(`r${n}`, { x: -n - 1 })] }, alice);
        deleted.delete(`r${n}`);
        await records.deleteRecords({ databaseId, ids: [gone] }, alice);
        deleted.add(gone);
        writes++;
      } catch {
        // Not answered: its instance is gone, and the next one is asked with the next write.
        deleted.delete(`r${n}`);
        deleted.delete(gone);
      }
    }
  })();
  for (let killed = 0; killed < KILLS; killed++) {
    const before = writes;
    await eventually(() => expect(writes).toBeGreaterThan(before + 10), WAIT);
    if (killed === 2) postgres.kill();
    await kill(killed % 2 === 0 ? first : second);
    if (killed % 2 === 0) first = await startInstance();
    else second = await startInstance();
    if (killed === 3) await postgres.start();
  }
  isOver = true;
  await load;

  await eventually(async () => {
    const found = await first.databases.getPlacement({ databaseId, placementId }, alice);
    expect(found).toMatchObject({ state: Placement_State.IN_SYNC, lag: 0 });
  }, WAIT);
  const { name } = await first.databases.verifyPlacements({ databaseId }, alice);
  const ended = await eventually(async () => {
    const operation = await first.operations.getOperation({ name }, alice);
    expect(operation.done).toBe(true);
    return operation;
  }, WAIT);
  const found = ended.result.case === 'response' && anyUnpack(ended.result.value, VerifyPlacementsResponseSchema);
  expect(found).toMatchObject({ equal: true, examples: [] });
  const ids = [...deleted];
  const back = await first.records.fetchRecords({ databaseId, ids: ids.slice(0, 1_000) }, alice);
  expect(back.records).toEqual([]);
  expect(ids.length).toBeGreaterThan(20);
  await Promise.all([kill(first), kill(second)]);
}, 300_000);
