import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { createFaultProxy, eventually, type FaultProxy } from '@morag/testing';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import { DATA_PLANE_SETTINGS, type DataPlaneSettings } from '../src/settings.ts';
import { record } from './data.ts';
import { type Harness, startServers } from './harness.ts';
import { type RealServer, startRealServer } from './real-servers.ts';
import { type Span, traceVendors } from './traced-vendors.ts';

const vendors = createRegistryVendors(createEgress({ allow: [], embedded: true }));
/** Of each read. */
const DEADLINE_MS = 5_000;
const READERS = 10;
/** Looked at when the primary has been silent for as long as it takes to probe it. */
const READS = 600;
/**
 * One that has failed is tried again within a second, so that nothing but a probe can keep `READS`, which take three
 * seconds or more, away from it. With the times of production that would show after a minute.
 */
const FORGETFUL: DataPlaneSettings = {
  ...DATA_PLANE_SETTINGS,
  reads: {
    ...DATA_PLANE_SETTINGS.reads,
    loads: { ...DATA_PLANE_SETTINGS.reads.loads, decayMs: 50, ejectMs: 100, ejectMsMax: 100 },
  },
};

let chroma: RealServer;
let postgres: RealServer;

beforeAll(async () => {
  [chroma, postgres] = await Promise.all([startRealServer('chroma'), startRealServer('pgvector')]);
}, 180_000);

afterAll(async () => {
  await Promise.all([chroma.remove(), postgres.remove()]);
}, 60_000);

/** A read that is over. */
interface Read {
  readonly startedAtMs: number;
  readonly tookMs: number;
  readonly isFailed: boolean;
}

type Silence = (proxy: FaultProxy, isSilent: boolean) => Promise<void>;

/** Reads while the primary's server accepts connections and says nothing. */
async function readThrough(silence: Silence, change?: Parameters<typeof traceVendors>[1]) {
  const traced = traceVendors(vendors, change);
  const harness = await startServers({ vendors: traced.vendors, settings: FORGETFUL });
  const proxy = await createFaultProxy(chroma);
  const { query, close } = await newDatabase(harness, proxy.port);
  const reads: Read[] = [];
  let isOver = false;
  const read = async (): Promise<void> => {
    while (!isOver) {
      const startedAtMs = performance.now();
      const isFailed = await query().then(
        () => false,
        () => true,
      );
      reads.push({ startedAtMs, tookMs: performance.now() - startedAtMs, isFailed });
      await pause(50);
    }
  };
  const readers = Array.from({ length: READERS }, read);
  const since = (atMs: number): Read[] => reads.filter(({ startedAtMs }) => startedAtMs > atMs);
  await eventually(() => expect(reads.length).toBeGreaterThan(100), { timeoutMs: 30_000 });
  await silence(proxy, true);
  const silentAtMs = performance.now();
  const probedAtMs = await eventually(() => firstProbe(traced.spans, proxy.port, silentAtMs), { timeoutMs: 60_000 });
  await eventually(() => expect(since(probedAtMs).length).toBeGreaterThan(READS), { timeoutMs: 90_000 });
  const late = since(silentAtMs);
  const sentAfterProbe = traced.spans.filter(
    ({ port, operation, startedAtMs }) => port === proxy.port && operation === 'query' && startedAtMs > probedAtMs,
  ).length;
  await silence(proxy, false);
  isOver = true;
  await Promise.all(readers);
  await close();
  await harness.close();
  await proxy.close();
  return { ...judge(late), sentAfterProbe };
}

/** When the first probe that began while a server was silent ended. */
function firstProbe(spans: readonly Span[], port: number, silentAtMs: number): number {
  const probe = spans.find(
    (span) =>
      span.port === port &&
      span.operation === 'ping' &&
      span.startedAtMs > silentAtMs &&
      span.endedAtMs < Number.POSITIVE_INFINITY,
  );
  if (!probe) throw new Error('it has not been looked at');
  return probe.endedAtMs;
}

function judge(reads: readonly Read[]) {
  const slowest = reads.map(({ tookMs }) => tookMs).toSorted((a, b) => b - a);
  return {
    failed: reads.filter(({ isFailed }) => isFailed).length,
    p99Ms: slowest[Math.floor(slowest.length / 100)] ?? Number.POSITIVE_INFINITY,
  };
}

/** Ten records, with the primary at `primaryPort` and a replica on PostgreSQL. */
async function newDatabase(harness: Harness, primaryPort: number) {
  const alice = await harness.newUser();
  const register = async ({ registration }: RealServer, port: number): Promise<string> => {
    const server = { ...registration, name: randomUUID(), port };
    const { id: serverId } = await harness.servers.createServer({ server }, alice.as);
    expect(await harness.servers.testConnection({ serverId }, alice.as)).toMatchObject({ success: true });
    return serverId;
  };
  const serverId = await register(chroma, primaryPort);
  const database = { name: randomUUID(), dimension: 3, serverId };
  const { id: databaseId } = await harness.databases.createDatabase({ database }, alice.as);
  const records = Array.from({ length: 10 }, (_, n) => record(`r${n}`, { x: n }));
  await harness.records.upsertRecords({ databaseId, records }, alice.as);
  const replica = { serverId: await register(postgres, postgres.port) };
  await harness.databases.createPlacement({ databaseId, placement: replica }, alice.as);
  await eventually(
    async () => {
      const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
      expect(placements.map(({ state }) => state)).toEqual([Placement_State.IN_SYNC, Placement_State.IN_SYNC]);
    },
    { timeoutMs: 60_000 },
  );
  const options = { ...alice.as, timeoutMs: DEADLINE_MS };
  return {
    query: () => harness.records.queryRecords({ databaseId, vector: [1, 0.5, 0.25], topK: 3 }, options),
    close: () => harness.databases.deleteDatabase({ databaseId }, alice.as),
  };
}

const cutOff: Silence = (proxy, isSilent) => (isSilent ? proxy.blackhole() : proxy.pass());
const stop: Silence = async (_proxy, isSilent) => chroma.freeze(isSilent);

describe('a primary that accepts connections and says nothing (F12)', () => {
  it.each([
    ['a network that swallows all', cutOff],
    ['a process that is stopped', stop],
  ])(
    '%s: no read fails or is late, and none is sent there after one probe',
    async (_, silence) => {
      const { p99Ms, ...found } = await readThrough(silence);
      expect(found).toEqual({ failed: 0, sentAfterProbe: 0 });
      expect(p99Ms).toBeLessThan(DEADLINE_MS);
    },
    240_000,
  );

  it('is asked again and again where probes do not notice (mutant)', async () => {
    const { sentAfterProbe } = await readThrough(cutOff, async (operation, port, call) =>
      operation === 'ping' && port !== postgres.port ? { latencyMs: 1, authenticated: true } : call(),
    );
    expect(sentAfterProbe).toBeGreaterThan(0);
  }, 240_000);
});
