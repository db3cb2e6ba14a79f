import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { Database_Metric, Placement_Role } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import { DATA_PLANE_SETTINGS } from '../src/settings.ts';
import { refusal } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';
import { type RealServer, startRealServer } from './real-servers.ts';

/** `MORAG_TEST_MOVE_RECORDS=20000` for the size that the product promises; fewer for every day. */
const RECORDS = Number(process.env.MORAG_TEST_MOVE_RECORDS ?? 4_000);
const DIMENSION = 64;
const MOVE_MS_MAX = 600_000;

let chroma: RealServer;
let postgres: RealServer;
let harness: Harness;
let alice: Caller;
const serverIds: Record<string, string> = {};

beforeAll(async () => {
  [chroma, postgres] = await Promise.all([startRealServer('chroma'), startRealServer('pgvector')]);
  const vendors = createRegistryVendors(createEgress({ allow: [], embedded: true }));
  harness = await startServers({ vendors, settings: DATA_PLANE_SETTINGS });
  alice = await harness.newUser();
  for (const [name, { registration, port }] of Object.entries({ chroma, postgres })) {
    const { id } = await harness.servers.createServer({ server: { ...registration, name, port } }, alice.as);
    await harness.servers.testConnection({ serverId: id }, alice.as);
    serverIds[name] = id;
  }
}, 240_000);

afterAll(async () => {
  await harness.close();
  await Promise.all([chroma.remove(), postgres.remove()]);
}, 60_000);

/** A record in a direction of its own; `turn` gives it another one. */
function made(id: string, n: number, turn = 0) {
  const vector = Array.from({ length: DIMENSION }, (_, index) => Math.sin(n + index * 0.7 + turn));
  return { id, vector, metadata: { n, even: n % 2 === 0 }, text: `text ${n}` };
}

async function newFilledDatabase(server: string): Promise<string> {
  const database = { name: randomUUID(), dimension: DIMENSION, metric: Database_Metric.COSINE, serverId: server };
  const { id: databaseId } = await harness.databases.createDatabase({ database }, alice.as);
  for (let at = 0; at < RECORDS; at += 500) {
    const records = Array.from({ length: Math.min(500, RECORDS - at) }, (_, n) => made(`r${at + n}`, at + n));
    await harness.records.upsertRecords({ databaseId, records }, { ...alice.as, timeoutMs: 60_000 });
  }
  return databaseId;
}

/** 50 reads and 20 writes a second, each checked; one of ten writes deletes. */
function startLoad(databaseId: string) {
  const failures: unknown[] = [];
  const expected = new Map<string, number>();
  let isOver = false;
  let calls = 0;
  const every = async (ms: number, call: (n: number) => Promise<void>): Promise<void> => {
    const underway = new Set<Promise<void>>();
    for (let n = 0; !isOver; n++) {
      const one = call(n).catch((error: unknown) => void failures.push(error));
      underway.add(one);
      void one.finally(() => underway.delete(one));
      calls++;
      await pause(ms);
    }
    await Promise.all(underway);
  };
  const write = async (n: number): Promise<void> => {
    const id = n % 3 === 0 ? `r${(n * 37) % RECORDS}` : `w${n}`;
    if (n % 10 === 9) {
      expected.set(`r${n}`, -1);
      const { token } = await harness.records.deleteRecords({ databaseId, ids: [`r${n}`] }, alice.as);
      const { records } = await harness.records.fetchRecords({ databaseId, ids: [`r${n}`], token }, alice.as);
      if (records.length > 0 && expected.get(`r${n}`) === -1) throw new Error(`r${n} came back`);
      return;
    }
    expected.set(id, n);
    await harness.records.upsertRecords({ databaseId, records: [made(id, n, 1)] }, alice.as);
  };
  const read = async (n: number): Promise<void> => {
    const { vector } = made('q', n % RECORDS);
    const { hits } = await harness.records.queryRecords({ databaseId, vector, topK: 5 }, alice.as);
    if (hits.length !== 5) throw new Error(`${hits.length} hits`);
  };
  const lanes = [every(50, write), every(20, read)];
  return {
    failures,
    expected,
    calls: () => calls,
    async stop() {
      isOver = true;
      await Promise.all(lanes);
    },
  };
}

async function done(name: string) {
  return eventually(
    async () => {
      const operation = await harness.operations.getOperation({ name }, alice.as);
      if (!operation.done) throw new Error('it is not done');
      return operation;
    },
    { timeoutMs: MOVE_MS_MAX, intervalMs: 100 },
  );
}

describe('a move between vendors under load', () => {
  it.each([
    ['chroma', 'postgres'],
    ['postgres', 'chroma'],
  ])(
    'from %s to %s fails no call, loses nothing, and leaves nothing behind',
    async (from, to) => {
      const databaseId = await newFilledDatabase(serverIds[from] ?? '');
      const { collection } = await harness.databases.getDatabase({ databaseId }, alice.as);
      const load = startLoad(databaseId);
      const started = await harness.databases.moveDatabase({ databaseId, serverId: serverIds[to] ?? '' }, alice.as);
      const ended = await done(started.name);
      await load.stop();
      expect(load.failures).toEqual([]);
      expect(load.calls()).toBeGreaterThan(100);
      expect(ended.result.case).toBe('response');
      const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
      expect(placements.map(({ role, serverId }) => [role, serverId])).toEqual([
        [Placement_Role.PRIMARY, serverIds[to]],
      ]);
      const gone = harness.collections.getCollection({ serverId: serverIds[from] ?? '', collection }, alice.as);
      expect((await refusal(gone)).reason).toBe('COLLECTION_NOT_FOUND');
      await expectExactly(databaseId, load.expected);
      await harness.databases.deleteDatabase({ databaseId }, alice.as);
    },
    MOVE_MS_MAX + 120_000,
  );
});

/** Every record is what was last written to it. */
async function expectExactly(databaseId: string, written: ReadonlyMap<string, number>): Promise<void> {
  const stored = new Map<string, number>();
  for await (const { records } of harness.records.exportRecords({ databaseId }, alice.as)) {
    for (const { id, metadata } of records) stored.set(id, Number(metadata?.n));
  }
  const wanted = new Map(Array.from({ length: RECORDS }, (_, n) => [`r${n}`, n]));
  for (const [id, n] of written) {
    if (n < 0) wanted.delete(id);
    else wanted.set(id, n);
  }
  expect(stored.size).toBe(wanted.size);
  for (const [id, n] of wanted) expect([id, stored.get(id)]).toEqual([id, n]);
}
