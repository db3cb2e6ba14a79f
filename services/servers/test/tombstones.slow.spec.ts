import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import { record, refusal } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';
import { type RealServer, startRealServer } from './real-servers.ts';

/** Two sweeps of the housekeeping, on a machine that is busy. */
const SWEPT_MS = 90_000;

let chroma: RealServer;
let postgres: RealServer;
let harness: Harness;
let alice: Caller;
let onChroma: string;
let onPostgres: string;

beforeAll(async () => {
  [chroma, postgres] = await Promise.all([startRealServer('chroma'), startRealServer('pgvector')]);
  const vendors = createRegistryVendors(createEgress({ allow: [], embedded: true }));
  harness = await startServers({ vendors });
  alice = await harness.newUser();
}, 240_000);

beforeEach(async () => {
  [onChroma, onPostgres] = [await register(chroma), await register(postgres)];
});

afterAll(async () => {
  await harness.close();
  await Promise.all([chroma.remove(), postgres.remove()]);
}, 60_000);

async function register({ registration, port }: RealServer): Promise<string> {
  const server = { ...registration, name: randomUUID(), port };
  const { id: serverId } = await harness.servers.createServer({ server }, alice.as);
  expect(await harness.servers.testConnection({ serverId }, alice.as)).toMatchObject({ success: true });
  return serverId;
}

/** A database on Chroma with a replica in PostgreSQL, and the names of their collections. */
async function newDatabase() {
  const database = { name: randomUUID(), dimension: 3, serverId: onChroma };
  const { id: databaseId, collection } = await harness.databases.createDatabase({ database }, alice.as);
  await harness.records.upsertRecords({ databaseId, records: [record('a'), record('b')] }, alice.as);
  const placement = { serverId: onPostgres };
  const { id: placementId } = await harness.databases.createPlacement({ databaseId, placement }, alice.as);
  const replica = await eventually(
    async () => {
      const found = await harness.databases.getPlacement({ databaseId, placementId }, alice.as);
      expect(found.state).toBe(Placement_State.IN_SYNC);
      return found;
    },
    { timeoutMs: 60_000 },
  );
  return { databaseId, collection, replica: replica.collection };
}

async function expectGone(serverId: string, collection: string): Promise<void> {
  await eventually(
    async () => {
      const found = refusal(harness.collections.getCollection({ serverId, collection }, alice.as));
      expect((await found).reason).toBe('COLLECTION_NOT_FOUND');
    },
    { timeoutMs: SWEPT_MS, intervalMs: 500 },
  );
}

it('the collection of a deleted database goes when its server is back, and all others at once', async () => {
  const { databaseId, collection, replica } = await newDatabase();
  chroma.kill();
  await harness.databases.deleteDatabase({ databaseId }, alice.as);
  expect((await refusal(harness.databases.getDatabase({ databaseId }, alice.as))).reason).toBe('DATABASE_NOT_FOUND');
  await expectGone(onPostgres, replica);
  await harness.servers.deleteServer({ serverId: onPostgres }, alice.as);
  // What is still to be done there is known, and holds the server.
  expect((await refusal(harness.servers.deleteServer({ serverId: onChroma }, alice.as))).reason).toBe('SERVER_IN_USE');
  await chroma.start();
  await expectGone(onChroma, collection);
  await eventually(() => harness.servers.deleteServer({ serverId: onChroma }, alice.as));
}, 300_000);

it('another instance does what the one that was asked has not lived to do', async () => {
  const { databaseId, collection } = await newDatabase();
  chroma.kill();
  const first = await harness.another();
  await first.databases.deleteDatabase({ databaseId }, alice.as);
  await first.service.stop();
  await chroma.start();
  await expectGone(onChroma, collection);
}, 300_000);

it('what is left on a server that never comes back is given up with it', async () => {
  const { databaseId } = await newDatabase();
  chroma.kill();
  await harness.databases.deleteDatabase({ databaseId }, alice.as);
  await harness.servers.deleteServer({ serverId: onChroma, force: true }, alice.as);
  expect((await refusal(harness.servers.getServer({ serverId: onChroma }, alice.as))).reason).toBe('SERVER_NOT_FOUND');
}, 300_000);
