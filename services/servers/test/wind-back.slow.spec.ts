import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { Database_ReadPolicy, Mutation_WritePolicy, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { VerifyPlacementsResponseSchema } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { createLogger } from '@morag/telemetry';
import { createLogSink, eventually } from '@morag/testing';
import pg from 'pg';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import type { Vendors } from '../src/modules/connector/vendors.ts';
import { DATA_PLANE_SETTINGS, type DataPlaneSettings } from '../src/settings.ts';
import { altered } from './altered-connector.ts';
import { type Caller, type Harness, startServers } from './harness.ts';
import { lookTwice, RARE_LOOKS } from './rare-looks.ts';
import { type RealServer, startRealServer } from './real-servers.ts';

const ROUNDS = Number(process.env.MORAG_TEST_WIND_BACK_ROUNDS ?? 3);
const DIMENSION = 16;
const WRITERS = 4;

const vendors = createRegistryVendors(createEgress({ allow: [], embedded: true }));

let weaviate: RealServer;
let postgres: RealServer;

beforeAll(async () => {
  [weaviate, postgres] = await Promise.all([startRealServer('weaviate'), startRealServer('pgvector')]);
}, 240_000);

afterAll(async () => {
  await Promise.all([weaviate.remove(), postgres.remove()]);
}, 60_000);

/** What a look says of a stop is written before it. */
const NOTICED = `
  select stopped_at, (select string_agg(case error_category when '' then 'ok' else error_category end, ' ' order by id)
                      from servers.health_checks looks
                      where looks.server_id = server_health.server_id and checked_at > $2) as looks
  from servers.server_health where server_id = $1`;

interface Stand {
  readonly harness: Harness;
  readonly alice: Caller;
  readonly databaseId: string;
  /** Of Weaviate. */
  readonly serverId: string;
  /** Times that a placement was wound back. */
  windBacks(): number;
  untilInSync(): Promise<void>;
  /** Until the end of Weaviate was seen, and its return, and what is due for it is done. */
  untilNoticed(killedAt: Date): Promise<void>;
}

/** A database with its primary on Weaviate and a replica on PostgreSQL. */
async function newStand(vendorsToUse: Vendors, settings: DataPlaneSettings = DATA_PLANE_SETTINGS): Promise<Stand> {
  const sink = createLogSink();
  const logger = createLogger({ level: 'info', service: 'servers', stream: sink });
  const harness = await startServers({ vendors: vendorsToUse, settings, logger });
  const alice = await harness.newUser();
  const register = async ({ registration, port }: RealServer): Promise<string> => {
    const server = { ...registration, name: randomUUID(), port };
    const { id: serverId } = await harness.servers.createServer({ server }, alice.as);
    expect(await harness.servers.testConnection({ serverId }, alice.as)).toMatchObject({ success: true });
    return serverId;
  };
  const [serverId, other] = [await register(weaviate), await register(postgres)];
  const database = { name: randomUUID(), dimension: DIMENSION, serverId };
  const { id: databaseId } = await harness.databases.createDatabase({ database }, alice.as);
  await harness.databases.createPlacement({ databaseId, placement: { serverId: other } }, alice.as);
  const untilInSync = async (): Promise<void> => {
    await eventually(
      async () => {
        const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
        expect(placements.map(({ state }) => state)).toEqual([Placement_State.IN_SYNC, Placement_State.IN_SYNC]);
      },
      { timeoutMs: 60_000 },
    );
  };
  await untilInSync();
  const untilNoticed = async (killedAt: Date): Promise<void> => {
    const sql = new pg.Client({ connectionString: harness.databaseUrl });
    await sql.connect();
    try {
      await eventually(
        async () => {
          const { rows } = await sql.query(NOTICED, [serverId, killedAt]);
          expect(rows).toEqual([{ looks: expect.stringMatching(/unavailable.* ok$/), stopped_at: null }]);
        },
        { timeoutMs: 60_000 },
      );
    } finally {
      await sql.end();
    }
  };
  const windBacks = (): number => sink.lines.filter(({ msg }) => String(msg).includes('is wound back')).length;
  return { harness, alice, databaseId, serverId, windBacks, untilInSync, untilNoticed };
}

/** A vector of a direction of its own. */
function vectorOf(n: number): number[] {
  return Array.from({ length: DIMENSION }, (_, index) => Math.sin(n * 12.9898 + index * 78.233));
}

/** Writes that go on until they are stopped; those that were acknowledged, by id. */
function startWrites({ harness, alice, databaseId }: Stand) {
  const acknowledged = new Map<string, number>();
  let isOver = false;
  let count = 0;
  const write = async (): Promise<void> => {
    while (!isOver) {
      const n = ++count;
      const upsert = { databaseId, records: [{ id: `r${n}`, vector: vectorOf(n), metadata: { n } }] };
      await harness.records.upsertRecords(upsert, { ...alice.as, timeoutMs: 10_000 }).then(
        () => acknowledged.set(`r${n}`, n),
        () => {},
      );
      await pause(20);
    }
  };
  const loops = Array.from({ length: WRITERS }, write);
  return {
    acknowledged,
    async stop() {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

/** Kills Weaviate again and again under writes: the next time when what the last one has led to is done. */
async function killUnderWrites(stand: Stand, rounds: number): Promise<ReadonlyMap<string, number>> {
  const writes = startWrites(stand);
  try {
    for (let round = 0; round < rounds; round++) {
      const before = writes.acknowledged.size;
      await eventually(() => expect(writes.acknowledged.size).toBeGreaterThan(before + 60), { timeoutMs: 60_000 });
      const killedAt = new Date();
      weaviate.kill();
      await weaviate.start();
      await stand.untilNoticed(killedAt);
      await stand.untilInSync();
    }
  } finally {
    await writes.stop();
  }
  await stand.untilInSync();
  return writes.acknowledged;
}

/** Of all records, those that a search for their own vector does not find first at the primary. */
async function notFound(stand: Stand, acknowledged: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const { harness, alice, databaseId } = stand;
  const lost: string[] = [];
  const waiting = [...acknowledged];
  const lane = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const query = { databaseId, vector: vectorOf(next[1]), topK: 1, readPolicy: Database_ReadPolicy.PRIMARY };
      const { hits } = await harness.records.queryRecords(query, { ...alice.as, timeoutMs: 20_000 });
      if (hits[0]?.id !== next[0]) lost.push(next[0]);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return lost;
}

it('a real Weaviate that is killed under writes ends with all that was acknowledged, and search finds it', async () => {
  const stand = await newStand(vendors);
  const { harness, alice, databaseId } = stand;
  const acknowledged = await killUnderWrites(stand, ROUNDS);
  expect(stand.windBacks()).toBeGreaterThanOrEqual(ROUNDS);
  const { name } = await harness.databases.verifyPlacements({ databaseId }, alice.as);
  const result = await eventually(
    async () => {
      const operation = await harness.operations.waitOperation({ name }, alice.as);
      expect(operation.result.case).toBe('response');
      return operation.result.case === 'response' && anyUnpack(operation.result.value, VerifyPlacementsResponseSchema);
    },
    { timeoutMs: 60_000 },
  );
  expect(result).toMatchObject({ equal: true });
  expect(await notFound(stand, acknowledged)).toEqual([]);
  await harness.databases.failOver({ databaseId }, alice.as);
  expect(await notFound(stand, acknowledged)).toEqual([]);
  process.stdout.write(`${ROUNDS} kills, ${acknowledged.size} records, ${stand.windBacks()} wind-backs\n`);
  await harness.close();
}, 240_000);

describe('killed between two looks, which are an hour apart, without a request in between', () => {
  const settings = { ...DATA_PLANE_SETTINGS, health: RARE_LOOKS };

  /** Writes, kills it once a line to it is open, and has it back while nobody asks anything of it. */
  async function killUnasked(openLifeline: Vendors['openLifeline']): Promise<Stand> {
    let lines = 0;
    const counted: Vendors['openLifeline'] = async (...line) => {
      const lifeline = await openLifeline(...line);
      lines++;
      return lifeline;
    };
    const stand = await newStand({ ...vendors, openLifeline: counted }, settings);
    await eventually(() => expect(lines).toBe(1));
    const { harness, alice, databaseId } = stand;
    const records = Array.from({ length: 50 }, (_, n) => ({ id: `r${n}`, vector: vectorOf(n) }));
    await harness.records.upsertRecords({ databaseId, records, writePolicy: Mutation_WritePolicy.ALL }, alice.as);
    weaviate.kill();
    await weaviate.start();
    return stand;
  }

  it('is seen by the line to it, which breaks', async () => {
    const stand = await killUnasked(vendors.openLifeline);
    await eventually(() => expect(stand.windBacks()).toBeGreaterThan(0), { timeoutMs: 60_000 });
    await stand.untilInSync();
    await stand.harness.close();
  }, 180_000);

  it('goes unseen without one (mutant)', async () => {
    const stand = await killUnasked(async () => ({ close: () => {} }));
    await lookTwice(stand.harness, stand.alice, stand.serverId);
    expect(stand.windBacks()).toBe(0);
    await stand.harness.close();
  }, 180_000);
});

it('is taken at its word where its connector promises that a crash costs nothing (mutant)', async () => {
  const stand = await newStand({
    ...vendors,
    async open(server, secrets) {
      const connector = await vendors.open(server, secrets);
      return altered(connector, {
        capabilities: () => ({ ...connector.capabilities(), uncleanStopWindowMs: 0 }),
      });
    },
  });
  await killUnderWrites(stand, 1);
  expect(stand.windBacks()).toBe(0);
  await stand.harness.close();
}, 180_000);
