import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Mutation_WritePolicy, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { newDatabase, newServer, record } from './data.ts';
import { FAST, type Harness, startServers } from './harness.ts';

let harness: Harness;
let sql: pg.Client;

beforeAll(async () => {
  harness = await startServers({ settings: { ...FAST, keeper: { ...FAST.keeper, trimMs: 50, retentionMs: 300 } } });
  sql = new pg.Client({ connectionString: harness.databaseUrl });
  await sql.connect();
});

afterAll(async () => {
  await sql.end();
  await harness.close();
});

it('mutations go when they are old and applied everywhere, and not before', async () => {
  const alice = await harness.newUser();
  const { databaseId, memory, collection } = await newDatabase(harness, alice);
  const upsert = (id: string) =>
    harness.records.upsertRecords(
      { databaseId, records: [record(id)], writePolicy: Mutation_WritePolicy.LOGGED },
      alice.as,
    );
  const logged = async (): Promise<string[]> => {
    const { rows } = await sql.query('select seq from servers.mutations where database_id = $1 order by seq', [
      databaseId,
    ]);
    return rows.map(({ seq }) => seq as string);
  };
  await upsert('a');
  await upsert('b');
  await eventually(() => expect(memory.records(collection).size).toBe(2));
  memory.down = 'unavailable';
  await upsert('c');
  await eventually(async () => expect(await logged()).toEqual(['3']));
  const { rows } = await sql.query('select trimmed_seq, head_seq from servers.databases where id = $1', [databaseId]);
  expect(rows).toEqual([{ trimmed_seq: '2', head_seq: '3' }]);
  memory.down = undefined;
  await eventually(async () => expect(await logged()).toEqual([]), { timeoutMs: 20_000 });
  expect(memory.records(collection).size).toBe(3);
});

describe('a replica that the log was trimmed past', () => {
  async function pair(holdMs: number) {
    const keeper = { ...FAST.keeper, trimMs: 50, retentionMs: 100, holdMs };
    const own = await startServers({ settings: { ...FAST, keeper } });
    const bob = await own.newUser();
    const database = await newDatabase(own, bob);
    const { databaseId } = database;
    const { serverId, memory: other } = await newServer(own, bob);
    const placed = await own.databases.createPlacement({ databaseId, placement: { serverId } }, bob.as);
    const state = async () => (await own.databases.getPlacement({ databaseId, placementId: placed.id }, bob.as)).state;
    const upsert = (ids: readonly string[]) =>
      own.records.upsertRecords({ databaseId, records: ids.map((id) => record(id)) }, bob.as);
    const db = new pg.Client({ connectionString: own.databaseUrl });
    await db.connect();
    await eventually(async () => expect(await state()).toBe(Placement_State.IN_SYNC));
    const trimmed = async () => {
      const { rows } = await db.query('select trimmed_seq from servers.databases where id = $1', [databaseId]);
      return Number(rows[0]?.trimmed_seq);
    };
    const close = async (): Promise<void> => {
      await db.end();
      await own.close();
    };
    return { ...database, own, bob, other, placed, state, upsert, db, trimmed, close };
  }

  it('is filled anew when its server is back, and holds nothing back meanwhile', async () => {
    const { own, bob, databaseId, other, placed, state, upsert, trimmed, close } = await pair(400);
    await upsert(['a', 'b']);
    await eventually(() => expect(other.records(placed.collection).size).toBe(2));
    other.down = 'unavailable';
    await upsert(['c']);
    await own.records.deleteRecords({ databaseId, ids: ['a'] }, bob.as);
    await eventually(async () => expect(await trimmed()).toBe(3));
    expect(await state()).toBe(Placement_State.PROVISIONING);
    other.down = undefined;
    await eventually(async () => expect(await state()).toBe(Placement_State.IN_SYNC), { timeoutMs: 25_000 });
    expect([...other.records(placed.collection).keys()].toSorted()).toEqual(['b', 'c']);
    await close();
  });

  it('notices by itself, and skips nothing', async () => {
    const { memory, collection, other, placed, state, upsert, db, trimmed, close } = await pair(3_600_000);
    await upsert(['a', 'b', 'c']);
    await upsert(['d']);
    await eventually(async () => expect(await trimmed()).toBe(2));
    other.records(placed.collection).delete('b');
    await db.query(
      `update servers.placements set applied_seq = 0, epoch = epoch + 1, lease_owner = null, lease_until = null
       where id = $1`,
      [placed.id],
    );
    await eventually(() => expect(other.records(placed.collection).has('b')).toBe(true), { timeoutMs: 25_000 });
    await eventually(async () => expect(await state()).toBe(Placement_State.IN_SYNC));
    expect(other.records(placed.collection)).toEqual(memory.records(collection));
    await close();
  });
});
