import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Mutation_WritePolicy, Placement_Role, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { newDatabase, newServer, record, refusal, type TestDatabase } from './data.ts';
import { type Caller, FAST, type Harness, startServers } from './harness.ts';
import type { MemoryServer } from './memory-server.ts';

let harness: Harness;
let alice: Caller;

beforeAll(async () => {
  // Pages of ten records, so that a copy takes several.
  harness = await startServers({ settings: { ...FAST, fill: { recordsPerSecondMax: 5_000, pageBytesMax: 1 } } });
  alice = await harness.newUser();
});

afterAll(async () => {
  await harness.close();
});

const upsert = (databaseId: string, ids: readonly string[], x = 1) =>
  harness.records.upsertRecords({ databaseId, records: ids.map((id) => record(id, { x })) }, alice.as);

const remove = (databaseId: string, ids: readonly string[]) =>
  harness.records.deleteRecords({ databaseId, ids: [...ids] }, alice.as);

const ids = (count: number, prefix = 'r') =>
  Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(3, '0')}`);

async function place(databaseId: string, serverId: string, collection = '') {
  return harness.databases.createPlacement({ databaseId, placement: { serverId, collection } }, alice.as);
}

async function inSync(databaseId: string, placementId: string) {
  return eventually(async () => {
    const found = await harness.databases.getPlacement({ databaseId, placementId }, alice.as);
    expect(found).toMatchObject({ state: Placement_State.IN_SYNC, lag: 0 });
    return found;
  });
}

/** What a collection holds, in the order of ids. */
function contents(memory: MemoryServer, collection: string) {
  return [...memory.records(collection).values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function filled(count: number): Promise<TestDatabase> {
  const database = await newDatabase(harness, alice);
  if (count > 0) await upsert(database.databaseId, ids(count));
  return database;
}

describe('a replica', () => {
  it('is filled while writes and deletes go on, and then follows', async () => {
    const { databaseId, memory, collection } = await filled(95);
    const { serverId, memory: other } = await newServer(harness, alice);
    let pages = 0;
    memory.beforeScan = async () => {
      pages++;
      // Behind the copy, before it, and what it is just reading.
      await upsert(databaseId, ['r001', `new${pages}`, 'r090'], pages + 1);
      await remove(databaseId, [`r00${pages + 1}`, `r08${pages % 10}`]);
    };
    const placed = await place(databaseId, serverId);
    expect(placed).toMatchObject({ role: Placement_Role.REPLICA, percentage: 0 });
    const { collection: copy, percentage } = await inSync(databaseId, placed.id);
    expect(percentage).toBe(100);
    expect(pages).toBeGreaterThanOrEqual(9);
    memory.beforeScan = async () => {};
    expect(contents(other, copy)).toEqual(contents(memory, collection));
    expect(other.records(copy).has('r005')).toBe(false);
    await harness.records.upsertRecords(
      { databaseId, records: [record('late')], writePolicy: Mutation_WritePolicy.ALL },
      alice.as,
    );
    expect(other.records(copy).has('late')).toBe(true);
    const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
    expect(placements.map(({ role }) => role)).toEqual([Placement_Role.PRIMARY, Placement_Role.REPLICA]);
  });

  it('of an empty database is in sync at once, also on the server of the primary', async () => {
    const { databaseId, serverId, memory } = await filled(0);
    const { id } = await place(databaseId, serverId, 'second');
    await inSync(databaseId, id);
    expect(memory.collections.has('second')).toBe(true);
  });

  it('waits while its server, or the one it is filled from, is away, and says so', async () => {
    const { databaseId, memory } = await filled(30);
    const { serverId, memory: other } = await newServer(harness, alice);
    memory.beforeScan = async () => {
      other.down = 'unavailable';
    };
    const { id } = await place(databaseId, serverId);
    const seen = await eventually(async () => {
      const found = await harness.databases.getPlacement({ databaseId, placementId: id }, alice.as);
      expect(found).toMatchObject({ state: Placement_State.BACKFILLING, lastError: expect.stringContaining('away') });
      return found;
    });
    expect(seen.percentage).toBeLessThan(100);
    memory.beforeScan = async () => {};
    memory.down = 'unavailable';
    other.down = undefined;
    await eventually(async () => {
      const found = await harness.databases.getPlacement({ databaseId, placementId: id }, alice.as);
      expect(found.lastError).toContain('Source:');
    });
    memory.down = undefined;
    expect(await inSync(databaseId, id)).toMatchObject({ lastError: '' });
    expect(other.records((await inSync(databaseId, id)).collection).size).toBe(30);
  });

  it('keeps apart what its server refuses, and gets on with the rest', async () => {
    const { databaseId } = await filled(25);
    const { serverId, memory: other } = await newServer(harness, alice);
    other.refused.set('r013', 'not that one');
    const { id } = await place(databaseId, serverId);
    const { collection, quarantinedCount } = await inSync(databaseId, id);
    expect(quarantinedCount).toBe(1);
    expect(other.records(collection).size).toBe(24);
    const { records } = await harness.databases.listQuarantinedRecords({ databaseId, placementId: id }, alice.as);
    expect(records).toEqual([expect.objectContaining({ recordId: 'r013', reason: 'not that one' })]);
  });

  it('goes with its collection, and the primary does not', async () => {
    const { databaseId, placementId } = await filled(5);
    const { serverId, memory: other } = await newServer(harness, alice);
    const { id } = await place(databaseId, serverId);
    const { collection } = await inSync(databaseId, id);
    const primary = harness.databases.deletePlacement({ databaseId, placementId }, alice.as);
    expect((await refusal(primary)).reason).toBe('PLACEMENT_CONFLICT');
    await harness.databases.deletePlacement({ databaseId, placementId: id }, alice.as);
    expect(other.collections.has(collection)).toBe(false);
    const again = harness.databases.deletePlacement({ databaseId, placementId: id }, alice.as);
    expect((await refusal(again)).reason).toBe('PLACEMENT_NOT_FOUND');
    await upsert(databaseId, ['after']);
  });

  it('whose server is away when it is removed leaves nothing behind when that is back', async () => {
    const { databaseId } = await filled(5);
    const { serverId, memory: other } = await newServer(harness, alice);
    const { id } = await place(databaseId, serverId);
    const { collection } = await inSync(databaseId, id);
    other.down = 'unavailable';
    await harness.databases.deletePlacement({ databaseId, placementId: id }, alice.as);
    const left = await harness.databases.getPlacement({ databaseId, placementId: id }, alice.as);
    expect(left.state).toBe(Placement_State.DRAINING);
    other.down = undefined;
    await harness.databases.deletePlacement({ databaseId, placementId: id }, alice.as);
    expect(other.collections.has(collection)).toBe(false);
  });

  it('that is removed while it is filled leaves nothing behind', async () => {
    const { databaseId } = await filled(5);
    const { serverId, memory: other } = await newServer(harness, alice);
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    other.beforeUpsert = async () => {
      entered.resolve();
      await gate.promise;
    };
    const { id, collection } = await place(databaseId, serverId);
    await entered.promise;
    const removal = harness.databases.deletePlacement({ databaseId, placementId: id }, alice.as);
    gate.resolve();
    await removal;
    expect(other.collections.has(collection)).toBe(false);
  });
});

describe('a replica that was filled without its place in the log (mutant)', () => {
  it('brings back what was deleted meanwhile', async () => {
    const sql = new pg.Client({ connectionString: harness.databaseUrl });
    await sql.connect();
    await sql.query(
      `create function servers.forget_place() returns trigger language plpgsql as $$ begin
         select head_seq into new.applied_seq from servers.databases where id = new.database_id;
         new.state := 'IN_SYNC';
         return new;
       end $$`,
    );
    await sql.query(
      `create trigger forget_place before update on servers.placements for each row
       when (old.state = 'BACKFILLING' and new.state in ('CATCHING_UP', 'IN_SYNC')) execute function servers.forget_place()`,
    );
    const { databaseId, memory, collection } = await filled(40);
    const { serverId, memory: other } = await newServer(harness, alice);
    let pages = 0;
    memory.beforeScan = async () => {
      if (++pages === 3) await remove(databaseId, ['r002']);
    };
    const { id } = await place(databaseId, serverId);
    const { collection: copy } = await inSync(databaseId, id);
    expect(memory.records(collection).has('r002')).toBe(false);
    expect(other.records(copy).has('r002')).toBe(true);
    await sql.query('drop trigger forget_place on servers.placements');
    await sql.end();
  });
});

describe('a placement that cannot be', () => {
  it('is refused, and nothing is made', async () => {
    const { databaseId, serverId, collection } = await filled(0);
    const there = await newServer(harness, alice);
    const bob = await harness.newUser();
    const foreign = await newServer(harness, bob);
    const { id: inactive } = await harness.servers.createServer(
      { server: { name: 'inactive', type: 4, host: '127.0.0.1', port: 1 } },
      alice.as,
    );
    there.memory.collections.set('used', {
      spec: { name: 'used', dimension: 3, metric: 'cosine' },
      records: new Map([['x', { id: 'x' }]]),
    });
    there.memory.collections.set('wide', {
      spec: { name: 'wide', dimension: 4, metric: 'cosine' },
      records: new Map(),
    });
    const reasonOf = async (id: string, name = '') => (await refusal(place(databaseId, id, name))).reason;
    expect(await reasonOf(serverId, collection)).toBe('PLACEMENT_CONFLICT');
    expect(await reasonOf(foreign.serverId)).toBe('SERVER_NOT_FOUND');
    expect(await reasonOf(inactive)).toBe('SERVER_INACTIVE');
    expect(await reasonOf(there.serverId, 'used')).toBe('COLLECTION_IN_USE');
    expect(await reasonOf(there.serverId, 'wide')).toBe('COLLECTION_IN_USE');
    expect(await reasonOf(there.serverId, '\u0001')).toBe('INVALID_ARGUMENT');
    there.memory.capabilities = { ...there.memory.capabilities, maxDimension: 2 };
    expect(await refusal(place(databaseId, there.serverId))).toEqual({
      reason: 'UNSUPPORTED_BY_SERVER',
      fields: ['placement.dimension'],
    });
    there.memory.capabilities = { ...there.memory.capabilities, maxDimension: 64, metrics: ['dot'] };
    expect((await refusal(place(databaseId, there.serverId))).fields).toEqual(['placement.metric']);
    const others = harness.databases.createPlacement({ databaseId, placement: { serverId: foreign.serverId } }, bob.as);
    expect((await refusal(others)).reason).toBe('DATABASE_NOT_FOUND');
    expect((await harness.databases.listPlacements({ databaseId }, alice.as)).placements).toHaveLength(1);
    expect([...there.memory.collections.keys()].toSorted()).toEqual(['used', 'wide']);
  });

  it('twice in one collection is made once', async () => {
    const { databaseId } = await filled(0);
    const { serverId } = await newServer(harness, alice);
    const both = await Promise.all([
      refusal(place(databaseId, serverId, 'one')),
      refusal(place(databaseId, serverId, 'one')),
    ]);
    expect(both.filter(({ reason }) => reason === undefined)).toHaveLength(1);
    expect(both.filter(({ reason }) => reason === 'COLLECTION_IN_USE')).toHaveLength(1);
  });
});

describe('a copy that is cut off', () => {
  it('is taken over where it was, and what was deleted meanwhile stays deleted', async () => {
    // Sweeps so seldom that only the instance that is asked fills a placement.
    const keeper = { ...FAST.keeper, sweepMs: 600_000 };
    const first = await startServers({
      settings: { ...FAST, keeper, fill: { recordsPerSecondMax: 5_000, pageBytesMax: 1 } },
    });
    const second = await first.another();
    const bob = await first.newUser();
    const { databaseId, memory, collection } = await newDatabase(first, bob);
    await first.records.upsertRecords({ databaseId, records: ids(60).map((id) => record(id)) }, bob.as);
    const { serverId, memory: other } = await newServer(first, bob);
    const blocked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    let pages = 0;
    memory.beforeScan = async () => {
      if (++pages !== 5) return;
      blocked.resolve();
      await gate.promise;
    };
    const placed = await second.databases.createPlacement({ databaseId, placement: { serverId } }, bob.as);
    await blocked.promise;
    // Three pages are in, and noted to be.
    await eventually(() => expect(other.upserts.length).toBeGreaterThanOrEqual(3));
    await first.records.deleteRecords({ databaseId, ids: ['r001', 'r055'] }, bob.as);
    const stopped = second.service.stop();
    gate.resolve();
    await stopped;
    pages = 0;
    const { id: another } = await first.databases.createPlacement({ databaseId, placement: { serverId } }, bob.as);
    const copies = await eventually(async () => {
      const { placements } = await first.databases.listPlacements({ databaseId }, bob.as);
      expect(placements.map(({ state }) => state)).toEqual(placements.map(() => Placement_State.IN_SYNC));
      return placements.filter(({ id }) => id === placed.id || id === another);
    });
    for (const copy of copies) expect(contents(other, copy.collection)).toEqual(contents(memory, collection));
    expect(memory.records(collection).size).toBe(58);
    // Six pages for the second one, and only what was left of the first one.
    expect(pages).toBeLessThan(6 + 4);
    await first.close();
  });
});
