import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Mutation_WritePolicy } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { createInstance } from '../src/instance.ts';
import { newDatabase, record, refusal } from './data.ts';
import { type Caller, type Clients, type Harness, startServers } from './harness.ts';

let harness: Harness;
let second: Clients;
let alice: Caller;
let sql: pg.Client;

beforeAll(async () => {
  harness = await startServers();
  second = await harness.another();
  alice = await harness.newUser();
  sql = new pg.Client({ connectionString: harness.databaseUrl });
  await sql.connect();
});

afterAll(async () => {
  await sql.end();
  await harness.close();
});

/** A second is promised; here another test run may have the cores. */
const SOON = { timeoutMs: 5_000 };
/** Beyond what Linux gives out. */
const DEAD_PID = 5_000_000;

const upsert = (through: Clients, databaseId: string, id: string, writePolicy?: Mutation_WritePolicy) =>
  through.records.upsertRecords({ databaseId, records: [record(id)], writePolicy }, alice.as);

async function placementRow(placementId: string) {
  const { rows } = await sql.query('select * from servers.placements where id = $1', [placementId]);
  return rows[0] as { lease_owner: string | null; epoch: string; applied_seq: string };
}

describe('two instances on one database', () => {
  it('confirm each other’s writes, in one dense log, with one applier at a time', async () => {
    const { databaseId, memory, collection, placementId } = await newDatabase(harness, alice);
    const writes = Array.from({ length: 120 }, (_, n) => upsert(n % 2 === 0 ? harness : second, databaseId, `r${n}`));
    const tokens = (await Promise.all(writes)).map(({ token }) => token);
    expect(new Set(tokens).size).toBe(120);
    expect(memory.records(collection).size).toBe(120);
    expect((await placementRow(placementId)).epoch).toBe('1');
    const { rows } = await sql.query(
      'select count(*)::int as count, max(seq)::int as head from servers.mutations where database_id = $1',
      [databaseId],
    );
    expect(rows).toEqual([{ count: 120, head: 120 }]);
  });

  it('read what the other wrote, when they bring its token', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    await second.records.countRecords({ databaseId }, alice.as);
    for (let n = 0; n < 20; n++) {
      const { token } = await upsert(harness, databaseId, `r${n}`);
      expect((await second.records.countRecords({ databaseId, token }, alice.as)).count).toBe(n + 1);
    }
  });

  it('see soon that a database is gone or a server has moved', async () => {
    const { databaseId, serverId } = await newDatabase(harness, alice);
    expect((await second.records.countRecords({ databaseId }, alice.as)).count).toBe(0);
    const other = 39_999;
    await harness.servers.updateServer({ serverId, server: { port: other } }, alice.as);
    await eventually(async () => {
      const failed = await refusal(second.records.countRecords({ databaseId }, alice.as));
      expect(failed.reason).toBe('NO_PLACEMENT_AVAILABLE');
    }, SOON);
    await harness.databases.deleteDatabase({ databaseId }, alice.as);
    await eventually(async () => {
      const failed = await refusal(second.records.countRecords({ databaseId }, alice.as));
      expect(failed.reason).toBe('DATABASE_NOT_FOUND');
    }, SOON);
  });
});

describe('an applier that dies', () => {
  it('is replaced when its lease has run out, and what it left is applied', async () => {
    const { databaseId, placementId, memory, collection } = await newDatabase(harness, alice);
    await sql.query(
      `update servers.placements set lease_owner = 'dead', lease_until = now() + interval '1 hour', epoch = 7 where id = $1`,
      [placementId],
    );
    const { token } = await upsert(harness, databaseId, 'a', Mutation_WritePolicy.LOGGED);
    expect(memory.records(collection).size).toBe(0);
    await sql.query(`update servers.placements set lease_until = now() + interval '1 second' where id = $1`, [
      placementId,
    ]);
    expect((await harness.records.countRecords({ databaseId, token }, alice.as)).count).toBe(1);
    expect(Number((await placementRow(placementId)).epoch)).toBe(8);
  });

  it('with its process is replaced at once', async () => {
    const { databaseId, placementId } = await newDatabase(harness, alice);
    await sql.query(
      `update servers.placements set lease_owner = $2, lease_until = now() + interval '1 hour' where id = $1`,
      [placementId, `${createInstance().machine}.${DEAD_PID}.x`],
    );
    expect(await refusal(upsert(harness, databaseId, 'a'))).toEqual({ fields: [] });
  });

  it('after it logged and before it applied has lost nothing', async () => {
    const { databaseId, memory, collection } = await newDatabase(harness, alice);
    const third = await harness.another();
    memory.down = 'unavailable';
    await upsert(third, databaseId, 'a', Mutation_WritePolicy.LOGGED);
    await third.service.stop();
    memory.down = undefined;
    await eventually(() => expect([...memory.records(collection).keys()]).toEqual(['a']));
  });
});

describe('an applier that lost its lease', () => {
  it('stores nothing more, and its successor applies it all again', async () => {
    const { databaseId, placementId, memory, collection } = await newDatabase(harness, alice);
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    memory.beforeUpsert = async () => {
      entered.resolve();
      await gate.promise;
    };
    const write = upsert(harness, databaseId, 'a');
    await entered.promise;
    await sql.query(
      `update servers.placements set lease_owner = 'rival', lease_until = now() + interval '1 hour', epoch = epoch + 1
       where id = $1`,
      [placementId],
    );
    gate.resolve();
    await write;
    // The rival holds the lease: what was confirmed is stored by its successor alone.
    expect((await placementRow(placementId)).applied_seq).toBe('0');
    await sql.query('update servers.placements set lease_until = now() where id = $1', [placementId]);
    await eventually(async () => expect((await placementRow(placementId)).applied_seq).toBe('1'));
    expect(memory.records(collection).size).toBe(1);
    expect(memory.upserts).toEqual([1, 1]);
  });
});

describe('a database whose making was cut off', () => {
  it.each([
    ['by the death of its process', `${createInstance().machine}.${DEAD_PID}.x`, '1 hour'],
    ['and whose maker has fallen silent', 'elsewhere.1.x', '1 second'],
  ])('%s gives its name and its collection back', async (_how, owner, silentIn) => {
    const cut = await newDatabase(harness, alice, { name: 'cut', collection: 'cut' });
    const { serverId, memory } = cut;
    await sql.query(`update servers.databases set state = 'PROVISIONING' where id = $1`, [cut.databaseId]);
    await sql.query(
      `update servers.placements set state = 'PROVISIONING', lease_owner = $2, lease_until = now() + $3::interval
       where database_id = $1`,
      [cut.databaseId, owner, silentIn],
    );
    const database = { name: 'cut', collection: 'cut', dimension: 3, serverId };
    const { id: databaseId } = await harness.databases.createDatabase({ database }, alice.as);
    expect([...memory.collections.keys()]).toEqual(['cut']);
    await harness.databases.deleteDatabase({ databaseId }, alice.as);
    const { rows } = await sql.query('select from servers.databases where id = $1', [cut.databaseId]);
    expect(rows).toEqual([]);
  });
});

describe('housekeeping', () => {
  it('gives an idle lease back', async () => {
    const { databaseId, placementId } = await newDatabase(harness, alice);
    await upsert(harness, databaseId, 'a');
    expect((await placementRow(placementId)).lease_owner).not.toBeNull();
    await eventually(async () => expect((await placementRow(placementId)).lease_owner).toBeNull(), {
      timeoutMs: 20_000,
    });
    await upsert(second, databaseId, 'b');
    expect((await placementRow(placementId)).epoch).toBe('2');
  });
});
