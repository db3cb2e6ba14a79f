import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createOrm, type Database } from '@morag/orm';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { createHealthStore } from '../src/modules/health/health.store.ts';
import { createPlacementStore } from '../src/modules/placement/placement.store.ts';
import { createReplicaStore } from '../src/modules/placement/replica.store.ts';
import { createSwitchStore } from '../src/modules/placement/switch.store.ts';
import { createWindBackStore } from '../src/modules/placement/wind-back.store.ts';
import { schema } from '../src/schema.ts';
import { newDatabase, newServer } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

let harness: Harness;
let alice: Caller;
let db: Database;
/** Holds the row with the least id. */
let holder: pg.Client;

beforeAll(async () => {
  harness = await startServers();
  db = await createOrm({ ...schema, service: 'test', url: harness.databaseUrl, pool: { size: 2, overflow: 2 } });
});

afterAll(async () => {
  await db.close();
  await harness.close();
});

beforeEach(async () => {
  alice = await harness.newUser();
  holder = new pg.Client(harness.databaseUrl);
  await holder.connect();
  await holder.query('set search_path to servers');
  // The service works on these rows too; what holds one while it waits for another ends as a deadlock.
  await holder.query(`set lock_timeout = '10s'`);
});

afterEach(() => holder.end());

interface Contest {
  readonly table: string;
  readonly key: string;
  readonly ids: readonly string[];
}

/** Takes the least row, and sees that whoever waits for it holds none of the others. */
async function expectInOrder({ table, key, ids }: Contest, act: () => Promise<unknown>): Promise<void> {
  const [least, ...others] = ids.toSorted();
  // The least one is the newest version in its table, so that it is met last where rows are taken as they come.
  await holder.query(`update ${table} set ${key} = ${key} where ${key} = $1`, [least]);
  await holder.query('begin');
  const lock = (id: string | undefined) =>
    holder.query(`select from ${table} where ${key} = $1 for no key update`, [id]);
  await lock(least);
  const acting = act();
  await eventually(async () => {
    const waiting = await db.read(
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    expect(waiting.length).toBeGreaterThan(0);
  });
  for (const id of others) await lock(id);
  await holder.query('commit');
  await acting;
}

it('statuses of servers are written in the order of the servers', async () => {
  const ids = [(await newServer(harness, alice)).serverId, (await newServer(harness, alice)).serverId];
  const statuses = ids
    .toSorted()
    .toReversed()
    .map((serverId) => ({ serverId, status: 'HEALTHY' as const, sinceAt: new Date() }));
  const health = createHealthStore(db);
  await health.write([], statuses);
  await holder.query('update servers set port = port where id = $1', [ids.toSorted()[0]]);
  await expectInOrder({ table: 'server_health', key: 'server_id', ids }, () => health.write([], statuses));
});

it('placements of several servers are wound back in their order', async () => {
  // The other way round than their servers.
  const servers = [await newServer(harness, alice), await newServer(harness, alice)].toReversed();
  const ids: string[] = [];
  for (const { serverId } of servers) ids.push((await newDatabase(harness, alice, { serverId })).placementId);
  for (const { memory } of servers) memory.down = 'unavailable';
  await holder.query('update placements set applied_seq = 5, applied_at = now() where id = any($1)', [ids]);
  await expectInOrder({ table: 'placements', key: 'id', ids }, async () => {
    await db.write(
      `insert into server_health (server_id, status, since_at, written_xid, stopped_at)
       select id, 'UNHEALTHY', now(), 0, now() from unnest($1::uuid[]) as given (id)
       on conflict (server_id) do update set stopped_at = excluded.stopped_at`,
      [servers.map(({ serverId }) => serverId)],
    );
    await createWindBackStore(db).windBackDue();
  });
  await eventually(async () => {
    const { rows } = await holder.query('select applied_seq::int as applied from placements where id = any($1)', [ids]);
    expect(rows).toEqual([{ applied: 0 }, { applied: 0 }]);
  });
});

it('databases are deleted in their order, and their placements in theirs', async () => {
  const databases = [await newDatabase(harness, alice), await newDatabase(harness, alice)];
  const condemn = () => createPlacementStore(db).condemn({ ownedBy: alice.userId });
  const ids = databases.map(({ databaseId }) => databaseId);
  await expectInOrder({ table: 'databases', key: 'id', ids }, async () => {
    expect((await condemn()).toSorted()).toEqual(ids.toSorted());
  });
});

it('a primary and the one that takes over are locked in their order', async () => {
  const { databaseId, placementId } = await newDatabase(harness, alice);
  const { serverId } = await newServer(harness, alice);
  // With the least id that there is: after the primary where that is locked first.
  const to = '00000000-0000-7000-8000-000000000001';
  await createReplicaStore(db).insert({ id: to, databaseId, serverId, collection: 'lock_order' });
  await holder.query(`update placements set state = 'IN_SYNC' where id = $1`, [to]);
  const { signal } = new AbortController();
  await expectInOrder({ table: 'placements', key: 'id', ids: [placementId, to] }, () =>
    createSwitchStore(db).swap({ databaseId, from: placementId, to }, 10_000, async () => {}, signal),
  );
});
