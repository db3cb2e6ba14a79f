import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { createOrm, type Database, newId } from '@morag/orm';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { createHealthStore, type HealthStore } from '../src/modules/health/health.store.ts';
import type { HealthCheck } from '../src/modules/health/health.ts';
import { schema } from '../src/schema.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let harness: Harness;
let alice: Caller;
let db: Database;
let store: HealthStore;

beforeAll(async () => {
  harness = await startServers();
  alice = await harness.newUser();
  db = await createOrm({ ...schema, service: 'test', url: harness.databaseUrl, pool: { size: 2, overflow: 2 } });
  store = createHealthStore(db);
});

afterAll(async () => {
  await db.close();
  await harness.close();
});

/** A look at a time, with an id that was made then. */
function lookAt(serverId: string, ms: number, failure = ''): HealthCheck {
  const hex = ms.toString(16).padStart(12, '0');
  return {
    id: `${hex.slice(0, 8)}-${hex.slice(8)}${newId().slice(13)}`,
    serverId,
    checkedAt: new Date(ms),
    status: failure ? 'UNHEALTHY' : 'HEALTHY',
    latencyMs: failure ? 2_000 : 10,
    errorCategory: failure,
    serverVersion: failure ? '' : '1.0.0',
    collectionsCount: failure ? null : 3,
    storageBytes: null,
  };
}

/** Looks ten seconds apart, of which those in `[fromMs, toMs)` fail. */
function looks(serverId: string, startMs: number, endMs: number, [fromMs, toMs] = [0, 0]): HealthCheck[] {
  const all: HealthCheck[] = [];
  for (let ms = startMs; ms < endMs; ms += 10_000) {
    all.push(lookAt(serverId, ms, ms >= fromMs && ms < toMs ? 'timeout' : ''));
  }
  return all;
}

/** Never tested, so never active: looked at by nobody but this test. */
async function inactiveServer(): Promise<string> {
  const server = { name: newId(), type: Server_DatabaseType.CHROMA, host: '127.0.0.1', port: 8_000 };
  return (await harness.servers.createServer({ server }, alice.as)).id;
}

async function rollUp(now: number): Promise<void> {
  let after: string | undefined;
  do after = await store.rollUp(after, now);
  while (after !== undefined);
}

it('keeps each look for a day, then one an hour with its uptime, and nothing after the retention', async () => {
  const serverId = await inactiveServer();
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS / 2;
  const hour = now - DAY_MS - HOUR_MS / 2 - 2 * HOUR_MS;
  await store.write(
    [
      ...looks(serverId, hour, hour + HOUR_MS, [hour, hour + HOUR_MS / 4]),
      ...looks(serverId, hour + HOUR_MS, hour + 2 * HOUR_MS),
      ...looks(serverId, now - HOUR_MS, now - HOUR_MS + 60_000),
      lookAt(serverId, now - 40 * DAY_MS),
    ],
    [],
  );
  await rollUp(now);
  await rollUp(now);
  const rows = await db.read<{ checked_at: Date; uptime: number | null; status: string; server_version: string }>(
    'select checked_at, uptime, status, server_version from health_checks where server_id = $1 order by id',
    [serverId],
  );
  expect(rows.slice(0, 2)).toMatchObject([
    { checked_at: new Date(hour), uptime: 0.75, status: 'HEALTHY', server_version: '1.0.0' },
    { checked_at: new Date(hour + HOUR_MS), uptime: 1, status: 'HEALTHY' },
  ]);
  expect(rows.slice(2).map(({ uptime }) => uptime)).toEqual([null, null, null, null, null, null]);
});

it('counts as up the time from an answered look to the next, and not the time when nobody looked', async () => {
  const serverId = await inactiveServer();
  const now = Date.now();
  await store.write(
    [
      // A day ago, for ten minutes, half of them down; then nothing until an hour ago; then half an hour up.
      ...looks(serverId, now - 20 * HOUR_MS, now - 20 * HOUR_MS + 600_000, [
        now - 20 * HOUR_MS,
        now - 20 * HOUR_MS + 300_000,
      ]),
      ...looks(serverId, now - HOUR_MS / 2, now),
    ],
    [],
  );
  const { uptime, lastCheck } = await store.find(serverId);
  expect(uptime.hour).toBeCloseTo(1, 3);
  expect(uptime.day).toBeCloseTo(1 - 300 / (1_800 + 600 + 50), 2);
  expect(uptime.week).toBeCloseTo(uptime.day ?? 0, 5);
  expect(lastCheck?.collectionsCount).toBe(3);
  expect((await store.find(await inactiveServer())).uptime).toEqual({});
});

it('tells of a status that was written before those that were read, and committed after them', async () => {
  const [late, early] = [await inactiveServer(), await inactiveServer()];
  const write = (serverId: string) => store.write([], [{ serverId, status: 'UNKNOWN', sinceAt: new Date() }]);
  await write(late);
  const holder = new pg.Client(harness.databaseUrl);
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query('select from servers.server_health where server_id = $1 for update', [late]);
    const writing = write(late);
    await eventually(async () => {
      const waiting = `from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
                         and query like '%server_health as old%'`;
      expect(await db.read(`select pid ${waiting}`)).toHaveLength(1);
    });
    await write(early);
    let cursor = (await store.statusesSince(undefined))[0]?.cursor;
    await holder.query('commit');
    await writing;
    expect((await store.statusesSince(cursor)).map(({ serverId }) => serverId)).toContain(late);
    // And no more, as soon as no transaction is left that began before it.
    await eventually(async () => {
      const statuses = await store.statusesSince(cursor);
      cursor = statuses[0]?.cursor ?? cursor;
      expect(statuses).toEqual([]);
    });
  } finally {
    await holder.end();
  }
});
