import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import type { CallOptions } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createServiceTokens, PERMISSIONS, serviceTokenSecret } from '@morag/auth';
import { loadRootKey } from '@morag/crypto';
import { Mutation_WritePolicy, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { VerifyPlacementsResponseSchema } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { createTestDatabase, eventually } from '@morag/testing';
import pg from 'pg';
import { type ChildInstance, startChildInstance } from './child-instance.ts';
import { record } from './data.ts';
import { bearer } from './harness.ts';
import { type RealServer, startRealServer } from './real-servers.ts';

/** F17 is `MORAG_TEST_REPLICATION_RATE=500 MORAG_TEST_DOWN_MS=60000`; less for every day. */
const RECORDS_PER_SECOND = Number(process.env.MORAG_TEST_REPLICATION_RATE ?? 100);
const DOWN_MS = Number(process.env.MORAG_TEST_DOWN_MS ?? 10_000);
const KILL_EVERY_MS = 2_000;
const WRITES_PER_SECOND = 10;
/** Each is written again and again, and deleted now and then. */
const IDS = 2_000;
const OWNER = randomUUID();

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
  await signIn();
}, 240_000);

/** For five minutes: no service token lives longer. */
async function signIn(): Promise<void> {
  const secret = serviceTokenSecret(await loadRootKey({ key: env.MORAG_MASTER_KEY }));
  const tokens = createServiceTokens({ service: 'documents', secret });
  const spec = { audience: 'servers', ownerId: OWNER, permissions: PERMISSIONS, ttlSeconds: 300 };
  alice = { ...bearer(await tokens.issue(spec)), timeoutMs: 15_000 };
}

afterAll(async () => {
  await Promise.all([chroma.remove(), postgres.remove()]);
  await database.drop();
}, 60_000);

async function newDatabase({ servers, databases }: ChildInstance): Promise<string> {
  const register = async ({ registration, port }: RealServer): Promise<string> => {
    const { id: serverId } = await servers.createServer(
      { server: { ...registration, name: randomUUID(), port } },
      alice,
    );
    expect(await servers.testConnection({ serverId }, alice)).toMatchObject({ success: true });
    return serverId;
  };
  const spec = { name: randomUUID(), dimension: 3, serverId: await register(chroma) };
  const { id: databaseId } = await databases.createDatabase({ database: spec }, alice);
  await databases.createPlacement({ databaseId, placement: { serverId: await register(postgres) } }, alice);
  return databaseId;
}

async function inSync({ databases }: ChildInstance, databaseId: string): Promise<void> {
  const { placements } = await databases.listPlacements({ databaseId }, alice);
  expect(placements.map(({ state, lag }) => [state, lag])).toEqual([
    [Placement_State.IN_SYNC, 0],
    [Placement_State.IN_SYNC, 0],
  ]);
}

/** Writes at a rate, to whoever lives. What was acknowledged of an id last; of those that failed since, nothing is known. */
async function write(living: () => ChildInstance, databaseId: string, isOver: () => boolean) {
  const expected = new Map<string, number | undefined>();
  let written = 0;
  for (let version = 1; !isOver(); version++) {
    const startedAtMs = performance.now();
    const count = Math.ceil(RECORDS_PER_SECOND / WRITES_PER_SECOND);
    const ids = Array.from({ length: count }, (_, n) => `r${(version * count + n) % IDS}`);
    const isDelete = version % 5 === 0;
    const options = { ...alice, timeoutMs: 4_000 };
    const { records } = living();
    const logged = { databaseId, writePolicy: Mutation_WritePolicy.LOGGED };
    for (const id of ids) expected.delete(id);
    const call = isDelete
      ? records.deleteRecords({ ...logged, ids }, options)
      : records.upsertRecords({ ...logged, records: ids.map((id) => record(id, { metadata: { version } })) }, options);
    await call.then(
      () => {
        for (const id of ids) expected.set(id, isDelete ? undefined : version);
        written += ids.length;
      },
      () => {},
    );
    await pause(Math.max(0, 1_000 / WRITES_PER_SECOND - (performance.now() - startedAtMs)));
  }
  return { expected, written };
}

/** The instances are killed in turn, and replaced; one of them applies. */
function startKilling(instances: ChildInstance[]) {
  let count = 0;
  let isOver = false;
  const kill = async (): Promise<void> => {
    while (!isOver) {
      await pause(KILL_EVERY_MS);
      await instances.shift()?.kill();
      instances.push(await startChildInstance(env));
      count++;
    }
  };
  const killing = kill();
  return {
    count: () => count,
    async stop() {
      isOver = true;
      await killing;
    },
  };
}

/** Whether the placements hold the same, by their digests. */
async function areEqual({ databases, operations }: ChildInstance, databaseId: string): Promise<boolean> {
  const { name } = await databases.verifyPlacements({ databaseId }, alice);
  return eventually(
    async () => {
      const { result } = await operations.waitOperation({ name }, alice);
      if (result.case !== 'response') throw new Error(`the comparison came to no answer: ${result.case}`);
      const compared = anyUnpack(result.value, VerifyPlacementsResponseSchema);
      if (!compared) throw new Error('the comparison answered something else');
      return compared.equal;
    },
    { timeoutMs: 60_000 },
  );
}

it(
  'a replica whose appliers are killed again and again, and whose server is away, is equal at rest (F17)',
  async () => {
    const instances = [await startChildInstance(env), await startChildInstance(env)];
    const living = (): ChildInstance => instances.at(-1) as ChildInstance;
    const databaseId = await newDatabase(living());
    await eventually(() => inSync(living(), databaseId), { timeoutMs: 60_000 });
    let isOver = false;
    const writing = write(living, databaseId, () => isOver);
    const kills = startKilling(instances);
    postgres.kill();
    await pause(DOWN_MS);
    await postgres.start();
    await eventually(() => expect(kills.count()).toBeGreaterThan(3), { timeoutMs: 120_000 });
    isOver = true;
    await kills.stop();
    const { expected, written } = await writing;
    await signIn();
    await eventually(() => inSync(living(), databaseId), { timeoutMs: 240_000 });
    await signIn();
    process.stdout.write(`${written} records, ${kills.count()} kills\n`);

    const { records: found } = living();
    for (let at = 0; at < IDS; at += 500) {
      const ids = Array.from({ length: 500 }, (_, n) => `r${at + n}`).filter((id) => expected.has(id));
      const { records } = await found.fetchRecords({ databaseId, ids }, alice);
      const versions = new Map(records.map(({ id, metadata }) => [id, Number(metadata?.version)]));
      expect(ids.filter((id) => versions.get(id) !== expected.get(id))).toEqual([]);
    }
    expect(await areEqual(living(), databaseId)).toBe(true);
    await Promise.all(instances.map((instance) => instance.kill()));
  },
  180_000 + 4 * DOWN_MS,
);

it('a replica differs at rest where its progress was stored before its server confirmed (mutant)', async () => {
  await signIn();
  const first = await startChildInstance(env);
  const databaseId = await newDatabase(first);
  await eventually(() => inSync(first, databaseId), { timeoutMs: 60_000 });
  const records = ['a', 'b', 'c'].map((id) => record(id));
  await first.records.upsertRecords({ databaseId, records, writePolicy: Mutation_WritePolicy.ALL }, alice);
  postgres.kill();
  const logged = { databaseId, writePolicy: Mutation_WritePolicy.LOGGED };
  await first.records.deleteRecords({ ...logged, ids: ['a'] }, alice);
  await first.records.upsertRecords({ ...logged, records: [record('b', { metadata: { version: 2 } })] }, alice);
  await first.kill();
  const sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  const early = `update servers.placements p set applied_seq = d.head_seq from servers.databases d
                 where d.id = p.database_id and d.id = $1 and p.role = 'REPLICA'`;
  await sql.query(early, [databaseId]);
  await sql.end();
  await postgres.start();
  const second = await startChildInstance(env);
  await second.records.upsertRecords({ ...logged, records: [record('d')] }, alice);
  await eventually(() => inSync(second, databaseId), { timeoutMs: 60_000 });
  expect(await areEqual(second, databaseId)).toBe(false);
  await second.kill();
}, 120_000);
