import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { Mutation_WritePolicy } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { createFaultProxy, eventually } from '@morag/testing';
import pg from 'pg';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import { type Clients, FAST, startServers } from './harness.ts';
import { type RealServer, startRealServer } from './real-servers.ts';
import { type Span, traceVendors } from './traced-vendors.ts';

const vendors = createRegistryVendors(createEgress({ allow: [], embedded: true }));
/** Few records a request, so that a log takes many. */
const settings = { ...FAST, applier: { ...FAST.applier, window: { ...FAST.applier.window, recordsMax: 2 } } };
/** What each request takes longer. */
const DELAY_MS = 60;
const IDS = 10;
const WRITES = 240;

let chroma: RealServer;

beforeAll(async () => {
  chroma = await startRealServer('chroma');
}, 120_000);

afterAll(async () => {
  await chroma.remove();
}, 60_000);

/** Two instances; the first has a way of its own to PostgreSQL, which can be cut. */
async function newStand() {
  const [cut, other] = [traceVendors(vendors), traceVendors(vendors)];
  const harness = await startServers({ vendors: other.vendors, settings });
  const url = new URL(harness.databaseUrl);
  const way = await createFaultProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${way.port}`;
  const first = await harness.another({ vendors: cut.vendors }, { MORAG_DATABASE_URL: url.href });
  const alice = await harness.newUser();
  const slow = await createFaultProxy(chroma);
  const server = { ...chroma.registration, name: randomUUID(), port: slow.port };
  const { id: serverId } = await harness.servers.createServer({ server }, alice.as);
  await harness.servers.testConnection({ serverId }, alice.as);
  const database = { name: randomUUID(), dimension: 3, serverId };
  const { id: databaseId } = await harness.databases.createDatabase({ database }, alice.as);
  await slow.delay(DELAY_MS);
  return { harness, first, way, slow, alice, databaseId, spans: { cut: cut.spans, other: other.spans } };
}

const writesOf = (spans: readonly Span[]): Span[] => spans.filter(({ operation }) => operation === 'upsert');

/** Pairs of requests of two instances that were under way at once. */
function overlaps(a: readonly Span[], b: readonly Span[]): number {
  return a.flatMap((x) => b.filter((y) => x.startedAtMs < y.endedAtMs && y.startedAtMs < x.endedAtMs)).length;
}

/** An instance has a log to apply, and is cut off from PostgreSQL on the way. */
async function cutOff(onCut: (databaseUrl: string) => Promise<void> = async () => {}) {
  const { harness, first, way, slow, alice, databaseId, spans } = await newStand();
  let version = 0;
  const write = async ({ records }: Pick<Clients, 'records'>): Promise<void> => {
    const n = ++version;
    const record = { id: `r${n % IDS}`, vector: [1, n, 2], metadata: { n } };
    const logged = { databaseId, records: [record], writePolicy: Mutation_WritePolicy.LOGGED };
    await records.upsertRecords(logged, { ...alice.as, timeoutMs: 20_000 });
  };
  // Of all ids at once, in one transaction or few: the log grows far faster than it is applied on any machine.
  while (version < WRITES) await Promise.all(Array.from({ length: IDS }, () => write(first)));
  await eventually(() => expect(writesOf(spans.cut).length).toBeGreaterThan(1), { timeoutMs: 30_000 });
  expect(writesOf(spans.other)).toEqual([]);
  await way.blackhole();
  await onCut(harness.databaseUrl);
  // The other one takes over when the lease has ended.
  await eventually(() => expect(writesOf(spans.other).length).toBeGreaterThan(1), { timeoutMs: 60_000 });
  await write(harness);
  // What was on its way arrives now, too late.
  await way.pass();
  await write(harness);
  await eventually(
    async () => {
      const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
      expect(placements).toMatchObject([{ lag: 0 }]);
    },
    { timeoutMs: 90_000 },
  );
  await slow.pass();
  const ids = Array.from({ length: IDS }, (_, index) => `r${index}`);
  const { records } = await harness.records.fetchRecords({ databaseId, ids }, alice.as);
  const stale = records.filter(({ metadata }) => Number(metadata?.n) <= version - IDS).map(({ id }) => id);
  const found = overlaps(writesOf(spans.cut), writesOf(spans.other));
  await harness.close();
  await Promise.all([way.close(), slow.close()]);
  return { overlaps: found, stale, records: records.length };
}

describe('an instance that is cut off from PostgreSQL while it applies a log (F16)', () => {
  it('is never one of two that apply it', async () => {
    expect(await cutOff()).toEqual({ overlaps: 0, stale: [], records: IDS });
  }, 240_000);

  it('is one of two where its lease is given away before it ends (mutant)', async () => {
    const found = await cutOff(async (connectionString) => {
      const sql = new pg.Client({ connectionString });
      await sql.connect();
      await sql.query(`update servers.placements set lease_until = now() - interval '1 second'`);
      await sql.end();
    });
    expect(found.overlaps).toBeGreaterThan(0);
  }, 240_000);
});
