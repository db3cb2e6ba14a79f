import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HealthCheck_HealthStatus as Status } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { createLogger } from '@morag/telemetry';
import { createLogSink, eventually, type LogSink } from '@morag/testing';
import pg from 'pg';
import { healthSettings } from '../src/modules/health/health-settings.ts';
import type { DataPlaneSettings } from '../src/settings.ts';
import { newDatabase, newServer, record, refusal } from './data.ts';
import { type Caller, FAST, type Harness, startServers } from './harness.ts';

const base = healthSettings({ intervalMs: 200, timeoutMs: 1_000, failures: 3, successes: 2, slowMs: 900 });
/** Looks often; a busy machine that does not look for a while is no reason to begin anew. */
const WATCHFUL: DataPlaneSettings = { ...FAST, health: { ...base, rules: { ...base.rules, gapMs: 60_000 } } };

let harness: Harness;
let alice: Caller;
let log: LogSink;

beforeAll(async () => {
  log = createLogSink();
  harness = await startServers({
    settings: WATCHFUL,
    logger: createLogger({ level: 'info', service: 'servers', stream: log }),
  });
  alice = await harness.newUser();
});

afterAll(() => harness.close());

const healthOf = (serverId: string) => harness.servers.getServerHealth({ serverId }, alice.as);
const until = (serverId: string, status: Status) =>
  eventually(async () => expect((await healthOf(serverId)).status).toBe(status), { timeoutMs: 20_000 });

/** What is stored is a moment older than what was judged. */
async function run(sql: string, params: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: harness.databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, params)).rows;
  } finally {
    await client.end();
  }
}

describe('a server that is watched', () => {
  it('goes down and comes back, and its checks and uptime tell of it', async () => {
    await newServer(harness, alice);
    const { serverId, memory } = await newServer(harness, alice);
    await eventually(async () => {
      const { healthChecks } = await harness.servers.listHealthChecks({ serverId }, alice.as);
      expect(healthChecks.length).toBeGreaterThan(3);
      expect(healthChecks[0]).toMatchObject({ status: Status.HEALTHY, version: '1.0.0', collectionsCount: 0 });
    });
    memory.down = 'unavailable';
    await until(serverId, Status.UNHEALTHY);
    const down = await healthOf(serverId);
    expect(down.lastCheck).toMatchObject({ errorCategory: 'unavailable', version: '' });
    expect(down.uptimeHour).toBeLessThan(1);
    expect(down.uptimeDay).toBeCloseTo(down.uptimeWeek ?? -1, 2);
    memory.down = undefined;
    await until(serverId, Status.HEALTHY);
    const newest = await harness.servers.listHealthChecks({ serverId, pageSize: 2 }, alice.as);
    const page = { serverId, pageSize: 2, pageToken: newest.nextPageToken };
    const older = await harness.servers.listHealthChecks(page, alice.as);
    const ids = [...newest.healthChecks, ...older.healthChecks].map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect(new Set(ids).size).toBe(4);
  });

  it('is degraded when it does not tell all, and unhealthy when it refuses our credentials', async () => {
    const { serverId, memory } = await newServer(harness, alice);
    await until(serverId, Status.HEALTHY);
    memory.downFor = { serverStats: 'permission_denied' };
    // What a server tells about itself is asked for again when its configuration has changed.
    await harness.servers.updateServer({ serverId, server: { username: 'u' } }, alice.as);
    await until(serverId, Status.DEGRADED);
    memory.down = 'unauthenticated';
    await until(serverId, Status.UNHEALTHY);
    expect((await healthOf(serverId)).lastCheck?.errorCategory).toBe('unauthenticated');
  });

  it('is looked at at once when the data path fails on it', async () => {
    const slow = await startServers({ settings: FAST });
    try {
      const bob = await slow.newUser();
      await newDatabase(slow, bob);
      const { databaseId, serverId, memory } = await newDatabase(slow, bob);
      const records = [record('a')];
      await slow.records.upsertRecords({ databaseId, records }, bob.as);
      memory.down = 'unavailable';
      const read = slow.records.fetchRecords({ databaseId, ids: ['a'] }, bob.as);
      expect((await refusal(read)).reason).toBe('NO_PLACEMENT_AVAILABLE');
      // Looks are ten seconds apart otherwise, and three failures are needed.
      await eventually(
        async () => {
          const { status } = await slow.servers.getServerHealth({ serverId }, bob.as);
          expect(status).toBe(Status.UNHEALTHY);
        },
        { timeoutMs: 9_000 },
      );
    } finally {
      await slow.close();
    }
  });

  it('is not looked at any more once it is switched off, and forgotten once it is deleted', async () => {
    const { memory: other } = await newServer(harness, alice);
    const { serverId, memory } = await newServer(harness, alice);
    await until(serverId, Status.HEALTHY);
    await harness.servers.updateServer({ serverId, server: { host: '127.0.0.2' } }, alice.as);
    // At once, whoever watches it: what was seen of the old place says nothing of the new one.
    expect((await healthOf(serverId)).status).toBe(Status.UNKNOWN);
    const looks = (count: number) => {
      const before = other.pings;
      return eventually(() => expect(other.pings).toBeGreaterThan(before + count), { timeoutMs: 20_000 });
    };
    await looks(5);
    const { pings } = memory;
    await looks(5);
    expect(memory.pings).toBe(pings);
    expect((await healthOf(serverId)).status).toBe(Status.UNKNOWN);
    await harness.servers.deleteServer({ serverId }, alice.as);
    expect((await refusal(healthOf(serverId))).reason).toBe('SERVER_NOT_FOUND');
    expect(await run('select from servers.health_checks where server_id = $1', [serverId])).toEqual([]);
  });
});

describe('all servers at once', () => {
  it('are unknown and not down, with one alarm, and healthy again with the first answer', async () => {
    const own = await startServers({
      settings: WATCHFUL,
      logger: createLogger({ level: 'info', service: 's', stream: log }),
    });
    try {
      const bob = await own.newUser();
      const servers = await Promise.all([1, 2, 3].map(() => newServer(own, bob)));
      const statuses = () =>
        Promise.all(
          servers.map(async ({ serverId }) => (await own.servers.getServerHealth({ serverId }, bob.as)).status),
        );
      await eventually(async () => expect(await statuses()).toEqual(servers.map(() => Status.HEALTHY)));
      const seen = new Set<Status>();
      for (const { memory } of servers) memory.down = 'unavailable';
      await eventually(async () => {
        const now = await statuses();
        for (const status of now) seen.add(status);
        expect(now).toEqual(servers.map(() => Status.UNKNOWN));
      });
      for (const { memory } of servers) memory.down = undefined;
      await eventually(async () => {
        const now = await statuses();
        for (const status of now) seen.add(status);
        expect(now).toEqual(servers.map(() => Status.HEALTHY));
      });
      expect(seen).not.toContain(Status.UNHEALTHY);
      const alarms = log.lines.filter(({ msg }) => String(msg).includes('all servers fail at once'));
      expect(alarms).toHaveLength(1);
    } finally {
      await own.close();
    }
  });
});

describe('who watches servers', () => {
  it('sees them as they are, then each change, and nobody else’s', async () => {
    const bob = await harness.newUser();
    const { serverId, memory } = await newServer(harness, bob);
    await newServer(harness, alice);
    const stop = new AbortController();
    const told: Status[] = [];
    const watch = (async () => {
      for await (const { health } of harness.servers.watchHealth({}, { ...bob.as, signal: stop.signal })) {
        expect(health?.serverId).toBe(serverId);
        if (health) told.push(health.status);
      }
    })();
    await eventually(() => expect(told).toEqual([Status.HEALTHY]));
    memory.down = 'unavailable';
    await eventually(() => expect(told).toEqual([Status.HEALTHY, Status.UNHEALTHY]));
    memory.down = undefined;
    await eventually(() => expect(told).toEqual([Status.HEALTHY, Status.UNHEALTHY, Status.HEALTHY]));
    stop.abort();
    await expect(watch).rejects.toThrow(/cancel|abort/i);
    const foreign = harness.servers.watchHealth({ serverIds: [serverId] }, alice.as)[Symbol.asyncIterator]();
    expect((await refusal(foreign.next())).reason).toBe('SERVER_NOT_FOUND');
    const unknown = harness.servers.watchHealth({ serverIds: [randomUUID()] }, bob.as)[Symbol.asyncIterator]();
    expect((await refusal(unknown.next())).reason).toBe('SERVER_NOT_FOUND');
  });
});

describe('instances', () => {
  it('share the servers, and take over from one that is gone', async () => {
    const own = await startServers({ settings: WATCHFUL });
    try {
      const bob = await own.newUser();
      const servers = await Promise.all(Array.from({ length: 12 }, () => newServer(own, bob)));
      const second = await own.another({ settings: WATCHFUL });
      const rate = async (): Promise<number> => {
        const before = servers.reduce((sum, { memory }) => sum + memory.pings, 0);
        const startedAtMs = performance.now();
        await eventually(() => expect(performance.now() - startedAtMs).toBeGreaterThan(2_000));
        const pings = servers.reduce((sum, { memory }) => sum + memory.pings, 0) - before;
        return (pings * 1_000) / (performance.now() - startedAtMs) / servers.length;
      };
      // A server is looked at five times a second, by one of the two.
      await eventually(async () => expect(await rate()).toBeLessThan(7), { timeoutMs: 20_000 });
      await second.service.stop();
      for (const { memory } of servers.slice(1)) memory.down = 'unavailable';
      for (const { serverId } of servers.slice(1)) {
        await eventually(
          async () => {
            const { status } = await own.servers.getServerHealth({ serverId }, bob.as);
            expect(status).toBe(Status.UNHEALTHY);
          },
          { timeoutMs: 20_000 },
        );
      }
    } finally {
      await own.close();
    }
  }, 60_000);
});
