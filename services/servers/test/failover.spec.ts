import { anyUnpack, timestampMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Database_FailBack_Policy,
  FailoverEventSchema,
  Mutation_WritePolicy,
  Placement_Role,
  Placement_State,
} from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { healthSettings } from '../src/modules/health/health-settings.ts';
import type { DataPlaneSettings } from '../src/settings.ts';
import { newDatabase, newServer, record, refusal, type TestDatabase } from './data.ts';
import { type Caller, FAST, type Harness, startServers } from './harness.ts';
import type { MemoryServer } from './memory-server.ts';

const base = healthSettings({ intervalMs: 200, timeoutMs: 1_000, failures: 3, successes: 2, slowMs: 900 });
const WATCHFUL: DataPlaneSettings = {
  ...FAST,
  health: { ...base, rules: { ...base.rules, gapMs: 60_000 } },
  failover: { ...FAST.failover, graceMs: 500 },
};

let harness: Harness;
let alice: Caller;

beforeAll(async () => {
  harness = await startServers({ settings: WATCHFUL });
  alice = await harness.newUser();
  // Somebody who answers whatever happens to the servers of a test.
  await newServer(harness, alice);
});

afterAll(() => harness.close());

interface Pair extends TestDatabase {
  readonly other: MemoryServer;
  readonly otherServerId: string;
  readonly replicaId: string;
  readonly copy: string;
}

/** A database with a replica in sync on a second server. */
async function newPair(on: Harness = harness, owner: Caller = alice): Promise<Pair> {
  const database = await newDatabase(on, owner);
  const { databaseId } = database;
  const { serverId: otherServerId, memory: other } = await newServer(on, owner);
  const placement = { serverId: otherServerId };
  const { id: replicaId, collection: copy } = await on.databases.createPlacement({ databaseId, placement }, owner.as);
  await eventually(async () => {
    const { state } = await on.databases.getPlacement({ databaseId, placementId: replicaId }, owner.as);
    expect(state).toBe(Placement_State.IN_SYNC);
  });
  return { ...database, other, otherServerId, replicaId, copy };
}

const primaryOf = async (databaseId: string, on = harness, owner = alice): Promise<string> => {
  const { placements } = await on.databases.listPlacements({ databaseId }, owner.as);
  return placements.find(({ role }) => role === Placement_Role.PRIMARY)?.id ?? '';
};
const eventsOf = async (databaseId: string) =>
  (await harness.databases.listFailoverEvents({ databaseId }, alice.as)).failoverEvents;
/** The placement to which the primary is to go back. */
const homeOf = async (databaseId: string): Promise<string | null | undefined> => {
  const client = new pg.Client({ connectionString: harness.databaseUrl });
  await client.connect();
  try {
    const sql = 'select home_placement_id as home from servers.databases where id = $1';
    const { rows } = await client.query<{ home: string | null }>(sql, [databaseId]);
    return rows[0]?.home;
  } finally {
    await client.end();
  }
};
const upsert = (databaseId: string, id: string, writePolicy: Mutation_WritePolicy = Mutation_WritePolicy.PRIMARY) =>
  harness.records.upsertRecords({ databaseId, records: [record(id)], writePolicy }, alice.as);

describe('a database whose primary dies', () => {
  it('goes on with its replica, which has the whole log first, and tells of it', async () => {
    const { databaseId, placementId, replicaId, memory, other, copy } = await newPair();
    await upsert(databaseId, 'before');
    // The replica lags: what is acknowledged from now on is in the log alone.
    const gate = Promise.withResolvers<void>();
    other.beforeUpsert = () => gate.promise;
    memory.down = 'unavailable';
    for (const id of ['a', 'b', 'c']) await upsert(databaseId, id, Mutation_WritePolicy.LOGGED);
    gate.resolve();
    await eventually(async () => expect(await primaryOf(databaseId)).toBe(replicaId));
    expect([...other.records(copy).keys()].toSorted()).toEqual(['a', 'b', 'before', 'c']);
    await eventually(() => upsert(databaseId, 'after'));
    const [event, ...more] = await eventsOf(databaseId);
    expect(more).toEqual([]);
    expect(event).toMatchObject({ databaseId, fromPlacementId: placementId, toPlacementId: replicaId });
    expect(event?.lastSequence).toBe(4n);
    expect(event?.reason).not.toBe('');
    expect(Number(event?.promoteTime?.seconds)).toBeGreaterThanOrEqual(Number(event?.detectTime?.seconds));
    // What comes back is a replica and catches up.
    memory.down = undefined;
    await eventually(async () => {
      const found = await harness.databases.getPlacement({ databaseId, placementId }, alice.as);
      expect(found).toMatchObject({ role: Placement_Role.REPLICA, state: Placement_State.IN_SYNC, lag: 0 });
    });
    expect(await primaryOf(databaseId)).toBe(replicaId);
  });

  it('waits when the replica is no full copy, and when it is dead too', async () => {
    const { databaseId, serverId, placementId, otherServerId, memory, other } = await newPair();
    const failures = async (id: string): Promise<number> => {
      const { healthChecks } = await harness.servers.listHealthChecks({ serverId: id, pageSize: 100 }, alice.as);
      return healthChecks.filter(({ errorCategory }) => errorCategory === 'unavailable').length;
    };
    other.down = 'unavailable';
    await eventually(async () => expect(await failures(otherServerId)).toBeGreaterThan(3));
    memory.down = 'unavailable';
    // Long past the grace.
    await eventually(async () => expect(await failures(serverId)).toBeGreaterThan(12));
    expect(await primaryOf(databaseId)).toBe(placementId);
    memory.down = undefined;
    other.down = undefined;
    await eventually(() => upsert(databaseId, 'again'));
    expect(await eventsOf(databaseId)).toEqual([]);
  });
});

describe('a database that goes back by itself', () => {
  const SOON = { policy: Database_FailBack_Policy.AUTOMATIC, delay: { seconds: 1n } };
  const setFailBack = (databaseId: string, failBack: object) =>
    harness.databases.updateDatabase({ databaseId, database: { failBack } }, alice.as);
  /** Kills the server of the primary, and waits until another placement has taken over. */
  const dies = async (databaseId: string, memory: MemoryServer, next: string): Promise<void> => {
    memory.down = 'unavailable';
    await eventually(async () => expect(await primaryOf(databaseId)).toBe(next));
  };

  it('has its former primary again when that has been well for a while, with all that was written meanwhile', async () => {
    const { databaseId, placementId, replicaId, memory, collection } = await newPair();
    await setFailBack(databaseId, SOON);
    await upsert(databaseId, 'before');
    await dies(databaseId, memory, replicaId);
    await eventually(() => upsert(databaseId, 'away'));
    memory.down = undefined;
    await eventually(async () => expect(await primaryOf(databaseId)).toBe(placementId));
    expect([...memory.records(collection).keys()].toSorted()).toEqual(['away', 'before']);
    await upsert(databaseId, 'after');
    expect(memory.records(collection).has('after')).toBe(true);
    const [back, away, ...more] = await eventsOf(databaseId);
    expect(more).toEqual([]);
    expect(away?.reason).toBe('The server of the primary is down.');
    expect(back).toMatchObject({ fromPlacementId: replicaId, toPlacementId: placementId, lastSequence: 2n });
    expect(back?.reason).toMatch(/^The former primary is back, and has been in sync and well for 1 s\.$/);
    const [detected, promoted] = [back?.detectTime, back?.promoteTime].map((time) => time && timestampMs(time));
    expect((promoted ?? 0) - (detected ?? 0)).toBeGreaterThanOrEqual(900);
  });

  it('does so also when it is told to only after the failover', async () => {
    const { databaseId, placementId, replicaId, memory } = await newPair();
    await dies(databaseId, memory, replicaId);
    memory.down = undefined;
    await setFailBack(databaseId, SOON);
    await eventually(async () => expect(await primaryOf(databaseId)).toBe(placementId));
  });

  it('belongs where somebody asked for its primary to be', async () => {
    const { databaseId, placementId, replicaId, other } = await newPair();
    await setFailBack(databaseId, SOON);
    await harness.databases.failOver({ databaseId }, alice.as);
    await dies(databaseId, other, placementId);
    other.down = undefined;
    await eventually(async () => expect(await primaryOf(databaseId)).toBe(replicaId));
    const reasons = (await eventsOf(databaseId)).map(({ reason }) => reason.split(/[.,]/)[0]);
    expect(reasons).toEqual(['The former primary is back', 'The server of the primary is down', 'Asked for']);
  });

  it('forgets a former primary that was removed', async () => {
    const { databaseId, placementId, replicaId, memory } = await newPair();
    await dies(databaseId, memory, replicaId);
    expect(await homeOf(databaseId)).toBe(placementId);
    await harness.databases.deletePlacement({ databaseId, placementId }, alice.as);
    expect(await homeOf(databaseId)).toBeNull();
  });

  it('is told so by a policy with a delay of a second to a day', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    const { failBack } = await harness.databases.getDatabase({ databaseId }, alice.as);
    expect(failBack).toMatchObject({ policy: Database_FailBack_Policy.MANUAL, delay: { seconds: 60n } });
    expect((await setFailBack(databaseId, SOON)).failBack).toMatchObject(SOON);
    for (const delay of [{ seconds: 0n }, { nanos: 1 }, { seconds: 86_401n }, { seconds: -1n }]) {
      expect((await refusal(setFailBack(databaseId, { ...SOON, delay }))).reason).toBe('INVALID_ARGUMENT');
    }
    const renamed = { databaseId, database: { description: 'd' }, updateMask: { paths: ['description'] } };
    expect((await harness.databases.updateDatabase(renamed, alice.as)).failBack).toMatchObject(SOON);
  });
});

describe('a server that stops uncleanly', () => {
  /** What was just confirmed is lost with the process, and cannot be written over. */
  async function crash(vendorSaysSo: boolean) {
    const { databaseId, placementId, memory, collection } = await newDatabase(harness, alice);
    const fragile = { uncleanStopWindowMs: 10_000, repairByReplacing: true };
    if (vendorSaysSo) memory.capabilities = { ...memory.capabilities, ...fragile };
    for (const id of ['a', 'b', 'c']) await upsert(databaseId, id);
    memory.broken.add('c');
    memory.records(collection).delete('c');
    memory.down = 'unavailable';
    const failures = async () => {
      const { serverId } = await harness.databases.getPlacement({ databaseId, placementId }, alice.as);
      const { healthChecks } = await harness.servers.listHealthChecks({ serverId }, alice.as);
      return healthChecks.filter(({ errorCategory }) => errorCategory === 'unavailable').length;
    };
    await eventually(async () => expect(await failures()).toBeGreaterThan(2));
    memory.down = undefined;
    const state = async () => harness.databases.getPlacement({ databaseId, placementId }, alice.as);
    return { databaseId, ids: () => [...memory.records(collection).keys()].toSorted(), state };
  }

  it('has what it confirmed last applied again, in a way that repairs, before it counts as in sync', async () => {
    const { databaseId, ids, state } = await crash(true);
    await eventually(async () => {
      expect(await state()).toMatchObject({ state: Placement_State.IN_SYNC, lag: 0 });
      expect(ids()).toEqual(['a', 'b', 'c']);
    });
    await upsert(databaseId, 'd');
    expect(ids()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is believed where the vendor keeps what it confirms', async () => {
    const { databaseId, ids } = await crash(false);
    await eventually(() => upsert(databaseId, 'd'));
    expect(ids()).toEqual(['a', 'b', 'd']);
  });
});

describe('a change of the primary that is asked for', () => {
  it('takes the freshest, or the one that is named, and answers with its event', async () => {
    const { databaseId, placementId, replicaId } = await newPair();
    const operation = await harness.databases.failOver({ databaseId }, alice.as);
    expect(operation.done).toBe(true);
    const answer = operation.result.case === 'response' ? operation.result.value : undefined;
    expect(answer && anyUnpack(answer, FailoverEventSchema)).toMatchObject({ toPlacementId: replicaId });
    expect(await primaryOf(databaseId)).toBe(replicaId);
    await harness.databases.failOver({ databaseId, placementId }, alice.as);
    expect(await primaryOf(databaseId)).toBe(placementId);
    const events = await eventsOf(databaseId);
    expect(events.map(({ toPlacementId }) => toPlacementId)).toEqual([placementId, replicaId]);
    const page = await harness.databases.listFailoverEvents({ databaseId, pageSize: 1 }, alice.as);
    expect(page.failoverEvents).toHaveLength(1);
    expect(page.nextPageToken).not.toBe('');
  });

  it('is refused for the primary, a stranger, another owner, and a stale target without force', async () => {
    const { databaseId, placementId, replicaId, otherServerId, other } = await newPair();
    const alone = await newDatabase(harness, alice);
    const stranger = await newPair();
    const bob = await harness.newUser();
    const reason = async (request: object, owner = alice) =>
      (await refusal(harness.databases.failOver({ databaseId, ...request }, owner.as))).reason;
    expect(await reason({ placementId })).toBe('PLACEMENT_CONFLICT');
    expect(await reason({ placementId: stranger.replicaId })).toBe('PLACEMENT_NOT_FOUND');
    expect(await reason({}, bob)).toBe('DATABASE_NOT_FOUND');
    expect(await reason({ databaseId: alone.databaseId })).toBe('PLACEMENT_CONFLICT');
    other.down = 'unavailable';
    await eventually(async () => {
      const { lastCheck } = await harness.servers.getServerHealth({ serverId: otherServerId }, alice.as);
      expect(lastCheck?.errorCategory).toBe('unavailable');
    });
    expect(await reason({ placementId: replicaId })).toBe('PLACEMENT_CONFLICT');
    expect(await reason({})).toBe('PLACEMENT_CONFLICT');
    // With force it is waited for.
    const forced = harness.databases.failOver({ databaseId, placementId: replicaId, force: true }, alice.as);
    other.down = undefined;
    expect((await forced).done).toBe(true);
    expect(await primaryOf(databaseId)).toBe(replicaId);
  });

  it('is done once when many ask at the same time', async () => {
    const { databaseId, replicaId } = await newPair();
    const asked = Array.from({ length: 10 }, () =>
      refusal(harness.databases.failOver({ databaseId, placementId: replicaId }, alice.as)),
    );
    const reasons = (await Promise.all(asked)).map(({ reason }) => reason ?? 'done');
    expect(reasons.toSorted()).toEqual([...Array<string>(9).fill('PLACEMENT_CONFLICT'), 'done']);
    expect(await eventsOf(databaseId)).toHaveLength(1);
  });
});

describe('a server that is deleted by force', () => {
  it('is left by its databases: a primary hands over first, a replica goes with its collection', async () => {
    const { databaseId, serverId, replicaId, otherServerId, memory, collection } = await newPair();
    await upsert(databaseId, 'a');
    expect((await refusal(harness.servers.deleteServer({ serverId }, alice.as))).reason).toBe('SERVER_IN_USE');
    await harness.servers.deleteServer({ serverId, force: true }, alice.as);
    expect(memory.collections.has(collection)).toBe(false);
    const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
    expect(placements).toMatchObject([{ id: replicaId, role: Placement_Role.PRIMARY }]);
    await upsert(databaseId, 'b');
    // It is the only copy now.
    const last = harness.servers.deleteServer({ serverId: otherServerId, force: true }, alice.as);
    expect((await refusal(last)).reason).toBe('SERVER_IN_USE');
    expect((await harness.records.countRecords({ databaseId }, alice.as)).count).toBe(2);
  });

  it('stays with all its databases when one of them has nobody to hand over to', async () => {
    const { databaseId, serverId, placementId } = await newPair();
    await harness.databases.createDatabase(
      { database: { name: `alone on ${serverId}`, dimension: 3, serverId } },
      alice.as,
    );
    const refused = harness.servers.deleteServer({ serverId, force: true }, alice.as);
    expect((await refusal(refused)).reason).toBe('SERVER_IN_USE');
    expect(await primaryOf(databaseId)).toBe(placementId);
  });

  it('is forgotten also while it is away, once its databases have gone on elsewhere', async () => {
    const { databaseId, serverId, replicaId, memory } = await newPair();
    memory.down = 'unavailable';
    await eventually(async () => expect(await primaryOf(databaseId)).toBe(replicaId));
    await harness.servers.deleteServer({ serverId, force: true }, alice.as);
    const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
    expect(placements.map(({ id }) => id)).toEqual([replicaId]);
  });
});

describe('connections', () => {
  it('are told of per server: opened, failed, configured anew', async () => {
    const { databaseId, serverId, memory } = await newDatabase(harness, alice);
    await upsert(databaseId, 'a');
    memory.down = 'unavailable';
    await refusal(harness.records.fetchRecords({ databaseId, ids: ['a'] }, alice.as));
    await harness.servers.updateServer({ serverId, server: { username: 'u' } }, alice.as);
    await eventually(async () => {
      const { events } = await harness.servers.listConnectionEvents({ serverId }, alice.as);
      const kinds = events.map(({ kind }) => kind);
      // RECONFIGURED, FAILED, OPENED: newest first.
      expect(kinds).toEqual(expect.arrayContaining([5, 3, 1]));
      expect(kinds.indexOf(3)).toBeLessThan(kinds.lastIndexOf(1));
      expect(events.find(({ kind }) => kind === 3)?.detail).toBe('The server is away.');
    });
    const bob = await harness.newUser();
    const foreign = harness.servers.listConnectionEvents({ serverId }, bob.as);
    expect((await refusal(foreign)).reason).toBe('SERVER_NOT_FOUND');
  });
});
