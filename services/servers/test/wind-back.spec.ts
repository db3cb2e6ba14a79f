import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { newDatabase, record } from './data.ts';
import { type Caller, FAST, type Harness, startServers } from './harness.ts';
import { lookTwice, RARE_LOOKS } from './rare-looks.ts';

let harness: Harness;
let alice: Caller;
let sql: pg.Client;

beforeAll(async () => {
  harness = await startServers();
  alice = await harness.newUser();
  sql = new pg.Client(harness.databaseUrl);
  await sql.connect();
  await sql.query('set search_path to servers');
});

afterAll(async () => {
  await sql.end();
  await harness.close();
});

async function standing(placementId: string) {
  const { rows } = await sql.query<{ applied: number; isDue: boolean }>(
    `select applied_seq::int as applied, stopped_at is not null as "isDue"
     from placements p left join server_health h on h.server_id = p.server_id where p.id = $1`,
    [placementId],
  );
  return rows[0];
}

describe('a wind-back that is due', () => {
  /** A placement whose five mutations were confirmed a moment ago; nobody applies the log meanwhile. */
  async function newConfirmed() {
    const { placementId, serverId, memory } = await newDatabase(harness, alice);
    memory.down = 'unavailable';
    const confirm = (checkpoint: string): Promise<unknown> =>
      sql.query(`update placements set applied_seq = 5, applied_at = now(), ${checkpoint} where id = $1`, [
        placementId,
      ]);
    /** Says when the server stopped, and answers what is left as applied. */
    const stop = async (at: string): Promise<number | undefined> => {
      await sql.query(
        `insert into server_health (server_id, status, since_at, written_xid, stopped_at) values ($1, 'UNHEALTHY', now(), 0, ${at})
         on conflict (server_id) do update set stopped_at = excluded.stopped_at`,
        [serverId],
      );
      await eventually(async () => expect(await standing(placementId)).toMatchObject({ isDue: false }));
      return (await standing(placementId))?.applied;
    };
    return { confirm, stop };
  }

  it('voids what was confirmed beyond it, so that the next one goes as far', async () => {
    const { confirm, stop } = await newConfirmed();
    await confirm('checkpoint_seq = 0, checkpoint_next = 4, checkpoint_at = now()');
    expect(await stop('now()')).toBe(0);
    // Long afterwards, and before there was a new checkpoint, the server stops once more.
    await confirm(`checkpoint_at = now() - interval '1 hour'`);
    expect(await stop('now()')).toBe(0);
  });

  it('is reckoned from the stop, however late it becomes known', async () => {
    const { confirm, stop } = await newConfirmed();
    await confirm(`checkpoint_seq = 2, checkpoint_next = 4, checkpoint_at = now() - interval '10 minutes'`);
    expect(await stop(`now() - interval '9.9 minutes'`)).toBe(2);
  });

  it('trusts no checkpoint that was taken long after the stop', async () => {
    const { confirm, stop } = await newConfirmed();
    await confirm(`checkpoint_seq = 2, checkpoint_next = 4, checkpoint_at = now() - interval '5 minutes'`);
    expect(await stop(`now() - interval '10 minutes'`)).toBe(0);
  });
});

/** Keeps a wind-back of a placement from being committed until `release`. */
async function hold(placementId: string) {
  const holder = new pg.Client(harness.databaseUrl);
  await holder.connect();
  await holder.query('begin');
  await holder.query('select from servers.placements where id = $1 for update', [placementId]);
  const waiting = `from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return {
    async windBacks() {
      const { rows } = await sql.query(`select pid ${waiting} and query like '%from server_health where stopped_at%'`);
      return rows.length;
    },
    cutOff: () => sql.query(`select pg_terminate_backend(pid) ${waiting}`),
    release: () => holder.end(),
  };
}

it('a wind-back is not due where a crash costs nothing that was confirmed', async () => {
  const { databaseId, placementId, serverId, memory } = await newDatabase(harness, alice);
  await harness.records.upsertRecords({ databaseId, records: [record('a')] }, alice.as);
  await eventually(async () => expect(await standing(placementId)).toEqual({ applied: 1, isDue: false }));
  const epoch = async (): Promise<unknown> => {
    const { rows } = await sql.query('select epoch from placements where id = $1', [placementId]);
    return rows[0];
  };
  const before = await epoch();
  memory.down = 'unavailable';
  await eventually(
    async () => {
      const { rows } = await sql.query('select status from server_health where server_id = $1', [serverId]);
      expect(rows).not.toEqual([{ status: 'HEALTHY' }]);
    },
    { timeoutMs: 60_000 },
  );
  expect(await standing(placementId)).toEqual({ applied: 1, isDue: false });
  expect(await epoch()).toEqual(before);
}, 90_000);

describe('a crash between two looks, which are an hour apart, without a request in between', () => {
  let rare: Harness;
  let bob: Caller;

  beforeAll(async () => {
    rare = await startServers({ settings: { ...FAST, health: RARE_LOOKS } });
    bob = await rare.newUser();
  });

  afterAll(() => rare.close());

  /** Three confirmed records on a server that may lose some in a crash, and to which a line is kept. */
  async function newFragile() {
    const made = await newDatabase(rare, bob);
    const { databaseId, serverId, memory, collection } = made;
    memory.capabilities = { ...memory.capabilities, uncleanStopWindowMs: 10_000, repairByReplacing: true };
    await rare.servers.testConnection({ serverId }, bob.as);
    await eventually(() => expect(memory.lifelines.size).toBe(1));
    for (const id of ['a', 'b', 'c']) {
      await rare.records.upsertRecords({ databaseId, records: [record(id)] }, bob.as);
    }
    const ids = (): string[] => [...memory.records(collection).keys()].toSorted();
    const crash = (): void => {
      memory.down = 'unavailable';
      memory.broken.add('c');
      memory.records(collection).delete('c');
    };
    return { ...made, ids, crash };
  }

  it('is seen by the line to the server, which breaks, and what was lost is there again', async () => {
    const { memory, ids, crash } = await newFragile();
    crash();
    for (const end of memory.lifelines) end();
    await eventually(() => expect(memory.failures).toBeGreaterThanOrEqual(2));
    memory.down = undefined;
    await eventually(() => expect(ids()).toEqual(['a', 'b', 'c']), { timeoutMs: 30_000 });
  });

  it('goes unseen where the line holds (mutant)', async () => {
    const { serverId, memory, ids, crash } = await newFragile();
    crash();
    memory.down = undefined;
    await lookTwice(rare, bob, serverId);
    expect(ids()).toEqual(['a', 'b']);
  });
});

describe('a stop that was seen', () => {
  let held: Awaited<ReturnType<typeof hold>>;
  afterEach(() => held.release());

  it('outlives the only witness, dead before the wind-back was committed', async () => {
    const { databaseId, placementId, memory, collection } = await newDatabase(harness, alice);
    memory.capabilities = { ...memory.capabilities, uncleanStopWindowMs: 10_000, repairByReplacing: true };
    for (const id of ['a', 'b', 'c']) {
      await harness.records.upsertRecords({ databaseId, records: [record(id)] }, alice.as);
    }
    await eventually(async () => expect(await standing(placementId)).toEqual({ applied: 3, isDue: false }));
    held = await hold(placementId);
    // The crash costs it a record, which cannot be written over.
    memory.broken.add('c');
    memory.records(collection).delete('c');
    memory.down = 'unavailable';
    await eventually(async () => expect(await held.windBacks()).toBe(1), { timeoutMs: 30_000 });
    await die(held);
    // The server is back before anybody looks at it again; as far as is told, nothing is missing.
    memory.down = undefined;
    expect(await standing(placementId)).toEqual({ applied: 3, isDue: true });
    await held.release();

    const { databases } = await harness.another();
    await eventually(async () => {
      const placement = await databases.getPlacement({ databaseId, placementId }, alice.as);
      expect(placement).toMatchObject({ state: Placement_State.IN_SYNC, lag: 0 });
      expect([...memory.records(collection).keys()].toSorted()).toEqual(['a', 'b', 'c']);
    });
    expect(await standing(placementId)).toEqual({ applied: 3, isDue: false });
  }, 120_000);

  /** The witness ends, and nothing of what it has under way is committed. */
  async function die({ cutOff }: typeof held): Promise<void> {
    let isDead = false;
    const dying = harness.service.stop().then(() => {
      isDead = true;
    });
    await eventually(
      async () => {
        await cutOff();
        expect(isDead).toBe(true);
      },
      { timeoutMs: 30_000 },
    );
    await dying;
  }
});
