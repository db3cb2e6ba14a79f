import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { Database_ReadPolicy, Placement_Role, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { createFaultProxy, eventually, type FaultProxy } from '@morag/testing';
import pg from 'pg';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import { DATA_PLANE_SETTINGS } from '../src/settings.ts';
import { record } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';
import { type RealServer, startRealServer } from './real-servers.ts';

const vendors = createRegistryVendors(createEgress({ allow: [], embedded: true }));
/** Few records a request, and a replica so far away, that it lags. */
const WINDOW = { ...DATA_PLANE_SETTINGS.applier.window, recordsMax: 2 };
const DELAY_MS = 50;
const WRITES = 120;

let chroma: RealServer;
let postgres: RealServer;
let far: FaultProxy;
let harness: Harness;
let alice: Caller;
let databaseId: string;

beforeAll(async () => {
  [chroma, postgres] = await Promise.all([startRealServer('chroma'), startRealServer('pgvector')]);
}, 180_000);

afterAll(async () => {
  await Promise.all([chroma.remove(), postgres.remove()]);
}, 60_000);

beforeEach(async () => {
  far = await createFaultProxy(postgres);
}, 60_000);

afterEach(async () => {
  await harness.close();
  await far.close();
  await chroma.start();
}, 120_000);

async function placed() {
  const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
  const primary = placements.find(({ role }) => role === Placement_Role.PRIMARY);
  const replica = placements.find(({ role }) => role === Placement_Role.REPLICA);
  return { primary, replica };
}

/** Writes that the primary has acknowledged, and a replica that is far behind; then the primary is killed. Answers the ids. */
async function killAhead(isAutomatic: boolean): Promise<readonly string[]> {
  const { applier, failover } = DATA_PLANE_SETTINGS;
  const settings = {
    ...DATA_PLANE_SETTINGS,
    applier: { ...applier, window: WINDOW },
    failover: { ...failover, isAutomatic },
  };
  harness = await startServers({ vendors, settings });
  alice = await harness.newUser();
  const register = async ({ registration }: RealServer, port: number): Promise<string> => {
    const server = { ...registration, name: randomUUID(), port };
    const { id: serverId } = await harness.servers.createServer({ server }, alice.as);
    expect(await harness.servers.testConnection({ serverId }, alice.as)).toMatchObject({ success: true });
    return serverId;
  };
  const serverId = await register(chroma, chroma.port);
  ({ id: databaseId } = await harness.databases.createDatabase(
    { database: { name: randomUUID(), dimension: 3, serverId } },
    alice.as,
  ));
  const copy = { databaseId, placement: { serverId: await register(postgres, far.port) } };
  await harness.databases.createPlacement(copy, alice.as);
  await eventually(async () => expect((await placed()).replica?.state).toBe(Placement_State.IN_SYNC), {
    timeoutMs: 60_000,
  });
  await far.delay(DELAY_MS);
  const ids = Array.from({ length: WRITES }, (_, n) => `r${n}`);
  const waiting = [...ids];
  const lane = async (): Promise<void> => {
    for (let id = waiting.shift(); id; id = waiting.shift()) {
      await harness.records.upsertRecords({ databaseId, records: [record(id)] }, { ...alice.as, timeoutMs: 30_000 });
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  expect((await placed()).replica?.lag).toBeGreaterThan(20);
  chroma.kill();
  return ids;
}

/** Of acknowledged writes, those that the new primary does not have when it has just become that. */
async function missing(ids: readonly string[], old: string | undefined): Promise<readonly string[]> {
  await eventually(async () => expect((await placed()).primary?.id).not.toBe(old), {
    timeoutMs: 60_000,
    intervalMs: 50,
  });
  const request = { databaseId, ids: [...ids], readPolicy: Database_ReadPolicy.PRIMARY };
  return eventually(
    async () => {
      const { records, servedBy } = await harness.records.fetchRecords(request, { ...alice.as, timeoutMs: 10_000 });
      expect(servedBy).not.toBe(old);
      const found = new Set(records.map(({ id }) => id));
      return ids.filter((id) => !found.has(id));
    },
    { timeoutMs: 60_000 },
  );
}

describe('a failover while the replica lags (F19)', () => {
  it('applies the log first: nothing that was acknowledged is missing', async () => {
    const ids = await killAhead(true);
    const { primary } = await placed();
    expect(await missing(ids, primary?.id)).toEqual([]);
  }, 240_000);

  it('shows what is missing where the roles are swapped at once (mutant)', async () => {
    const ids = await killAhead(false);
    // It has not caught up by itself before it is read.
    await far.delay(10 * DELAY_MS);
    const { primary } = await placed();
    const sql = new pg.Client({ connectionString: harness.databaseUrl });
    await sql.connect();
    for (const role of ['REPLICA', 'PRIMARY']) {
      await sql.query(
        `update servers.placements set role = $2 where database_id = $1 and (id = $3) = ($2 = 'REPLICA')`,
        [databaseId, role, primary?.id],
      );
    }
    await sql.end();
    expect((await missing(ids, primary?.id)).length).toBeGreaterThan(0);
  }, 240_000);
});
