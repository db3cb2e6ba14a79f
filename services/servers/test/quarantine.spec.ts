import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Mutation_WritePolicy } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import { newDatabase, record, refusal, type TestDatabase } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

let harness: Harness;
let alice: Caller;
let database: TestDatabase;

beforeAll(async () => {
  harness = await startServers();
  alice = await harness.newUser();
});

afterAll(async () => {
  await harness.close();
});

beforeEach(async () => {
  database = await newDatabase(harness, alice);
  for (const id of ['a', 'b', 'c']) database.memory.refused.set(id, `no ${id}`);
  await upsert(['a', 'b', 'c', 'd']);
  await eventually(async () => {
    if ((await quarantined()).length !== 3) throw new Error('not all are in quarantine');
  });
});

const upsert = (ids: readonly string[], x = 1) => {
  const { databaseId } = database;
  const records = ids.map((id) => record(id, { x }));
  return harness.records.upsertRecords({ databaseId, records, writePolicy: Mutation_WritePolicy.LOGGED }, alice.as);
};

async function quarantined(): Promise<readonly string[]> {
  const { databaseId, placementId } = database;
  const { records } = await harness.databases.listQuarantinedRecords({ databaseId, placementId }, alice.as);
  return records.map(({ recordId }) => recordId);
}

const resolve = (recordIds: string[] = [], drop = false) => {
  const { databaseId, placementId } = database;
  return harness.databases.resolveQuarantine({ databaseId, placementId, recordIds, drop }, alice.as);
};

it('records are applied again, and those that are refused again stay', async () => {
  const { memory, collection } = database;
  memory.refused.delete('a');
  memory.refused.delete('b');
  expect(await resolve()).toMatchObject({ resolved: 2, remaining: 1 });
  expect(await quarantined()).toEqual(['c']);
  expect([...memory.records(collection).keys()].toSorted()).toEqual(['a', 'b', 'd']);
  expect(await resolve(['a'])).toMatchObject({ resolved: 0, remaining: 0 });
});

it('some records are forgotten, and the others are not', async () => {
  expect(await resolve(['a', 'x'], true)).toMatchObject({ resolved: 1, remaining: 0 });
  expect(await quarantined()).toEqual(['b', 'c']);
  expect(await resolve([], true)).toMatchObject({ resolved: 2 });
  expect(await quarantined()).toEqual([]);
});

it('a record that was written anew meanwhile is not written over', async () => {
  const { memory, collection, databaseId } = database;
  memory.refused.clear();
  memory.down = 'unavailable';
  await upsert(['a'], 7);
  await harness.records.deleteRecords({ databaseId, ids: ['b'], writePolicy: Mutation_WritePolicy.LOGGED }, alice.as);
  const headOf = async () => (await harness.databases.getDatabase({ databaseId }, alice.as)).headSequence;
  const head = await headOf();
  const resolving = resolve();
  await eventually(async () => expect(await headOf()).toBeGreaterThan(head));
  memory.down = undefined;
  expect(await resolving).toMatchObject({ resolved: 3, remaining: 0 });
  expect([...memory.records(collection).keys()].toSorted()).toEqual(['a', 'c', 'd']);
  expect(memory.records(collection).get('a')?.vector?.[0]).toBe(7);
});

it('the quarantine of another owner is as absent as the database', async () => {
  const bob = await harness.newUser();
  const { databaseId, placementId } = database;
  const foreign = harness.databases.resolveQuarantine({ databaseId, placementId }, bob.as);
  expect((await refusal(foreign)).reason).toBe('DATABASE_NOT_FOUND');
  const unknown = harness.databases.resolveQuarantine({ databaseId, placementId: databaseId }, alice.as);
  expect((await refusal(unknown)).reason).toBe('PLACEMENT_NOT_FOUND');
});
