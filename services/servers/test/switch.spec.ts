import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { Mutation_WritePolicy, Placement_Role, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { createOrm, type Database } from '@morag/orm';
import { createLogger } from '@morag/telemetry';
import { eventually } from '@morag/testing';
import { createSwitchStore } from '../src/modules/placement/switch.store.ts';
import { createSwitchPrimary, type SwitchInput } from '../src/modules/placement/switch-primary.ts';
import { schema } from '../src/schema.ts';
import { newDatabase, newServer, record, refusal, type TestDatabase } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';
import type { MemoryServer } from './memory-server.ts';

let harness: Harness;
let alice: Caller;
let db: Database;

beforeAll(async () => {
  harness = await startServers();
  alice = await harness.newUser();
  db = await createOrm({ ...schema, service: 'test', url: harness.databaseUrl, pool: { size: 2, overflow: 4 } });
});

afterAll(async () => {
  await db.close();
  await harness.close();
});

interface Pair extends TestDatabase {
  readonly replicaId: string;
  readonly copy: string;
  readonly other: MemoryServer;
}

let pair: Pair;

beforeEach(async () => {
  const database = await newDatabase(harness, alice);
  const { serverId, memory: other } = await newServer(harness, alice);
  const placement = { serverId };
  const { id: replicaId, collection: copy } = await harness.databases.createPlacement(
    { databaseId: database.databaseId, placement },
    alice.as,
  );
  pair = { ...database, replicaId, copy, other };
  await inSync(replicaId);
});

async function inSync(placementId: string): Promise<void> {
  await eventually(async () => {
    const { state } = await placementOf(placementId);
    if (state !== Placement_State.IN_SYNC) throw new Error(`its state is still ${state}`);
  });
}

const placementOf = (placementId: string) =>
  harness.databases.getPlacement({ databaseId: pair.databaseId, placementId }, alice.as);

const upsert = (id: string, writePolicy: Mutation_WritePolicy = Mutation_WritePolicy.PRIMARY) =>
  harness.records.upsertRecords({ databaseId: pair.databaseId, records: [record(id)], writePolicy }, alice.as);

/** As another instance does it, which applies no log itself. */
function switchPrimary(given: Partial<SwitchInput> = {}) {
  const change = createSwitchPrimary({
    switches: createSwitchStore(db),
    appliers: { ensure: () => {} },
    directory: { forget: () => {} },
    logObserver: { switched: () => {} },
    now: () => performance.now(),
    logger: createLogger({ level: 'silent', service: 'servers' }),
  });
  const { databaseId, placementId: from, replicaId: to } = pair;
  return change({ databaseId, from, to, reason: 'test', signal: AbortSignal.timeout(20_000), ...given });
}

/** The reason for which something of this process was refused; undefined when it was not. */
function whyNot(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(() => undefined, reasonOf);
}

describe('a change of the primary', () => {
  it('under load loses nothing and fails no write, and the old one follows', async () => {
    const { databaseId, placementId, replicaId, memory, collection, other, copy } = pair;
    let isOver = false;
    let written = 0;
    const load = async (lane: number): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        await upsert(`w${lane}-${n}`);
        written++;
      }
    };
    const lanes = Array.from({ length: 8 }, (_, lane) => load(lane));
    await eventually(() => expect(written).toBeGreaterThan(40));
    const { lastSequence } = await switchPrimary();
    expect(lastSequence).toBeGreaterThan(40);
    const before = written;
    await eventually(() => expect(written).toBeGreaterThan(before + 40));
    isOver = true;
    await Promise.all(lanes);
    expect((await placementOf(replicaId)).role).toBe(Placement_Role.PRIMARY);
    expect((await placementOf(placementId)).role).toBe(Placement_Role.REPLICA);
    expect(other.records(copy).size).toBe(written);
    await eventually(() => expect(memory.records(collection).size).toBe(written));
    const database = await harness.databases.getDatabase({ databaseId }, alice.as);
    expect(database.collection).toBe(copy);
  });

  it('from a dead one applies the rest of the log first, and writes go on', async () => {
    const { replicaId, memory, other, copy } = pair;
    await upsert('a');
    await eventually(async () => expect((await placementOf(replicaId)).lag).toBe(0));
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    other.beforeUpsert = async () => {
      entered.resolve();
      await gate.promise;
    };
    await upsert('b');
    await entered.promise;
    memory.down = 'unavailable';
    // Logged, and answered only when the new primary has it.
    const pending = upsert('c');
    const switching = switchPrimary();
    await eventually(async () => expect((await placementOf(replicaId)).lag).toBe(2));
    expect((await placementOf(replicaId)).role).toBe(Placement_Role.REPLICA);
    gate.resolve();
    const { firstSequence, lastSequence } = await switching;
    expect([firstSequence, lastSequence]).toEqual([2, 3]);
    await pending;
    await upsert('d');
    expect([...other.records(copy).keys()].toSorted()).toEqual(['a', 'b', 'c', 'd']);
    const { count } = await harness.records.countRecords({ databaseId: pair.databaseId, readPolicy: 4 }, alice.as);
    expect(count).toBe(4);
  });

  it('of several at once is made once', async () => {
    const reasons = await Promise.all(Array.from({ length: 6 }, () => whyNot(switchPrimary())));
    expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1);
    expect(reasons.filter((reason) => reason === 'PLACEMENT_CONFLICT')).toHaveLength(5);
  });

  it('to one that is away is given up with its time, and changes nothing', async () => {
    const { placementId, replicaId, other } = pair;
    other.down = 'unavailable';
    await upsert('a');
    const given = switchPrimary({ signal: AbortSignal.timeout(4_000) });
    await expect(given).rejects.toThrow('aborted');
    expect((await placementOf(placementId)).role).toBe(Placement_Role.PRIMARY);
    expect((await placementOf(replicaId)).state).toBe(Placement_State.OFFLINE);
    await upsert('b');
  });

  it('to what cannot be one is refused', async () => {
    const { placementId, replicaId } = pair;
    const reason = (given: Partial<SwitchInput>) => whyNot(switchPrimary(given));
    expect(await reason({ from: replicaId, to: placementId })).toBe('PLACEMENT_CONFLICT');
    expect(await reason({ to: placementId })).toBe('PLACEMENT_CONFLICT');
    expect(await reason({ to: pair.databaseId })).toBe('PLACEMENT_NOT_FOUND');
    expect(await reason({ databaseId: placementId })).toBe('DATABASE_NOT_FOUND');
    await db.write(`update placements set state = 'BACKFILLING' where id = $1`, [replicaId]);
    expect(await reason({})).toBe('PLACEMENT_CONFLICT');
  });
});

describe('a change of the primary that waits for nothing (mutant)', () => {
  it('makes one the primary that lacks an answered write', async () => {
    const { databaseId, placementId, replicaId, other } = pair;
    const gate = Promise.withResolvers<void>();
    other.beforeUpsert = () => gate.promise;
    await upsert('a');
    await db.write(`update placements set role = 'REPLICA' where id = $1`, [placementId]);
    await db.write(`update placements set role = 'PRIMARY' where id = $1`, [replicaId]);
    const count = async () => (await harness.records.countRecords({ databaseId, readPolicy: 4 }, alice.as)).count;
    await eventually(async () => expect(await count()).toBe(0));
    gate.resolve();
    await eventually(async () => expect(await count()).toBe(1));
  });
});

describe('a write policy', () => {
  it('waits for whom it names', async () => {
    const { other, copy } = pair;
    await upsert('a', Mutation_WritePolicy.ALL);
    expect(other.records(copy).has('a')).toBe(true);
    await upsert('b', Mutation_WritePolicy.QUORUM);
    expect(other.records(copy).has('b')).toBe(true);
    other.down = 'unavailable';
    await upsert('c', Mutation_WritePolicy.PRIMARY);
    await upsert('d', Mutation_WritePolicy.LOGGED);
    for (const policy of [Mutation_WritePolicy.ALL, Mutation_WritePolicy.QUORUM]) {
      const write = harness.records.upsertRecords(
        { databaseId: pair.databaseId, records: [record(`late${policy}`)], writePolicy: policy },
        { ...alice.as, timeoutMs: 4_000 },
      );
      expect((await refusal(write)).reason).toBe('WRITE_NOT_CONFIRMED');
    }
    other.down = undefined;
    await eventually(() =>
      expect([...other.records(copy).keys()].toSorted()).toEqual(['a', 'b', 'c', 'd', 'late2', 'late3']),
    );
  });

  it('of more than half goes on without one of three', async () => {
    const third = await newServer(harness, alice);
    const { databaseId } = pair;
    const { id } = await harness.databases.createPlacement(
      { databaseId, placement: { serverId: third.serverId } },
      alice.as,
    );
    await inSync(id);
    pair.memory.down = 'unavailable';
    await upsert('a', Mutation_WritePolicy.QUORUM);
    expect(pair.other.records(pair.copy).has('a')).toBe(true);
    pair.memory.down = undefined;
    await upsert('b', Mutation_WritePolicy.ALL);
  });

  it('does not wait for a placement that is still being filled', async () => {
    const third = await newServer(harness, alice);
    await upsert('a');
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    third.memory.beforeUpsert = async () => {
      entered.resolve();
      await gate.promise;
    };
    const { databaseId } = pair;
    const { id } = await harness.databases.createPlacement(
      { databaseId, placement: { serverId: third.serverId } },
      alice.as,
    );
    await entered.promise;
    expect((await upsert('b', Mutation_WritePolicy.ALL)).upserted).toBe(1);
    gate.resolve();
    await inSync(id);
  });
});
