import { randomUUID } from 'node:crypto';
import { ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { ErrorInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { Mutation_WritePolicy } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { QuotaService } from '@morag/gen/morag/servers/v1/quota_service_pb.ts';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { eventually } from '@morag/testing';
import { newDatabase, newServer, record } from './data.ts';
import { type Caller, type Clients, type Harness, startServers } from './harness.ts';

const LIMITS = { servers: 7, databases: 5, records: 40 };
const CALLERS = 100;

let harness: Harness;
let second: Clients;

beforeAll(async () => {
  harness = await startServers(
    {},
    {
      MORAG_QUOTA_SERVERS: String(LIMITS.servers),
      MORAG_QUOTA_DATABASES: String(LIMITS.databases),
      MORAG_QUOTA_RECORDS: String(LIMITS.records),
    },
  );
  second = await harness.another();
});
afterAll(() => harness.close());

/** How many of these calls, every other one through the other instance, succeeded; the others exceeded a quota. */
async function letIn(call: (through: Clients, n: number) => Promise<unknown>, calls = CALLERS): Promise<number> {
  const ends = await Promise.allSettled(Array.from({ length: calls }, (_, n) => call(n % 2 ? second : harness, n)));
  const refused = ends.filter((end) => end.status === 'rejected');
  expect(new Set(refused.map(({ reason }) => reasonOf(reason)))).toEqual(new Set(['QUOTA_EXCEEDED']));
  return calls - refused.length;
}

/** What is said of a quota that is exceeded. */
async function refusal(call: Promise<unknown>) {
  const error = ConnectError.from(await call.catch((refused: unknown) => refused));
  return { text: error.rawMessage, metadata: error.findDetails(ErrorInfoSchema)[0]?.metadata };
}

async function usage({ userId }: Caller): Promise<Record<string, number[]>> {
  const { as } = await harness.serviceFor(userId);
  const { quotas } = await createClient(QuotaService, harness.service.transport()).listQuotas({}, as);
  return Object.fromEntries(quotas.map(({ name, used, limit }) => [name, [Number(used), Number(limit)]]));
}

const someServer = () => ({
  server: { name: randomUUID(), type: Server_DatabaseType.CHROMA, host: '127.0.0.1', port: 9 },
});

describe('of a hundred at once on two instances', () => {
  it('as many register a server as an owner may have', async () => {
    const [alice, bob] = await Promise.all([harness.newUser(), harness.newUser()]);
    const { serverId } = await newServer(harness, alice);
    expect(await letIn(({ servers }) => servers.createServer(someServer(), alice.as))).toBe(LIMITS.servers - 1);
    expect(await refusal(harness.servers.createServer(someServer(), alice.as))).toEqual({
      text: 'More than your quota of servers allows: 7 of 7 are used.',
      metadata: { quota: 'servers', limit: '7', used: '7' },
    });
    await harness.servers.deleteServer({ serverId }, alice.as);
    await harness.servers.createServer(someServer(), alice.as);
    await harness.servers.createServer(someServer(), bob.as);
    expect([await usage(alice), await usage(bob)]).toMatchObject([{ servers: [7, 7] }, { servers: [1, 7] }]);
  });

  it('as many make a database as an owner may have', async () => {
    const alice = await harness.newUser();
    const { serverId } = await newServer(harness, alice);
    const { databaseId } = await newDatabase(harness, alice);
    const make = ({ databases }: Clients) =>
      databases.createDatabase({ database: { name: randomUUID(), dimension: 3, serverId } }, alice.as);
    expect(await letIn(make, 30)).toBe(LIMITS.databases - 1);
    const { collections } = await harness.collections.listCollections({ serverId }, alice.as);
    expect(collections).toHaveLength(LIMITS.databases - 1);
    await harness.databases.deleteDatabase({ databaseId }, alice.as);
    await make(second);
    expect(await usage(alice)).toMatchObject({ databases: [5, 5] });
  });
});

describe('webhooks', () => {
  it('are at most twenty, also of a hundred at once on two instances', async () => {
    const alice = await harness.newUser();
    const webhook = { url: 'http://127.0.0.1:9/hook' };
    expect(await letIn(({ webhooks }) => webhooks.createWebhook({ webhook }, alice.as))).toBe(20);
    const { metadata } = await refusal(harness.webhooks.createWebhook({ webhook }, alice.as));
    expect(metadata).toEqual({ quota: 'webhooks', limit: '20', used: '20' });
  });
});

describe('records', () => {
  const records = (from: number, count: number) => Array.from({ length: count }, (_, at) => record(`r${from + at}`));

  it('are bounded over all databases of an owner, exactly on one instance', async () => {
    const alice = await harness.newUser();
    const [one, other] = [await newDatabase(harness, alice), await newDatabase(harness, alice)];
    const write = (databaseId: string, from: number, count: number) =>
      harness.records.upsertRecords({ databaseId, records: records(from, count) }, alice.as);
    await write(one.databaseId, 0, 20);
    const ends = await Promise.allSettled(Array.from({ length: 25 }, (_, n) => write(other.databaseId, n, 1)));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    expect(await refusal(write(one.databaseId, 100, 1))).toEqual({
      text: 'More than your quota of records allows: 40 of 40 are used.',
      metadata: { quota: 'records', limit: '40', used: '40' },
    });
    expect(await usage(alice)).toMatchObject({ records: [40, 40] });
  });

  it('count also while their server is away', async () => {
    const alice = await harness.newUser();
    const { databaseId, memory } = await newDatabase(harness, alice);
    const writePolicy = Mutation_WritePolicy.LOGGED;
    const write = (from: number) =>
      harness.records.upsertRecords({ databaseId, records: records(from, 20), writePolicy }, alice.as);
    memory.down = 'unavailable';
    await write(0);
    await write(20);
    expect((await refusal(write(40))).metadata).toEqual({ quota: 'records', limit: '40', used: '40' });
    memory.down = undefined;
  });

  it('count also while they are in the log alone', async () => {
    const alice = await harness.newUser();
    const { databaseId, memory } = await newDatabase(harness, alice);
    const writePolicy = Mutation_WritePolicy.LOGGED;
    const write = (from: number) =>
      harness.records.upsertRecords({ databaseId, records: records(from, 20), writePolicy }, alice.as);
    const gate = Promise.withResolvers<void>();
    memory.beforeUpsert = () => gate.promise;
    await write(0);
    await write(20);
    // The server answers each count, and knows of none of them yet.
    for (let again = 0; again < 2; again++) {
      expect((await refusal(write(40))).metadata).toEqual({ quota: 'records', limit: '40', used: '40' });
    }
    gate.resolve();
    await eventually(async () => {
      expect(await harness.records.countRecords({ databaseId }, alice.as)).toMatchObject({ count: 40 });
    });
    await harness.records.deleteRecords({ databaseId, ids: records(0, 20).map(({ id }) => id) }, alice.as);
    await write(40);
  });

  it('that are written again are no new ones', async () => {
    const alice = await harness.newUser();
    const { databaseId } = await newDatabase(harness, alice);
    for (let again = 0; again < 3; again++) {
      await harness.records.upsertRecords({ databaseId, records: records(0, 20) }, alice.as);
    }
    await harness.records.deleteRecords({ databaseId, ids: ['r0', 'r1'] }, alice.as);
    await harness.records.upsertRecords({ databaseId, records: records(50, 20) }, alice.as);
    expect(await harness.records.countRecords({ databaseId }, alice.as)).toMatchObject({ count: 38 });
  });
});
