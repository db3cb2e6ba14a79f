import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@morag/testing';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { type HttpAnswer, send } from './http-client.ts';
import { type RealServer, startRealServer } from './real-server.ts';
import { startSteadyLoad } from './steady-load.ts';

const READS_PER_SECOND = 50;
const WRITES_PER_SECOND = 20;
/** Of undisturbed load before the kill. */
const CALM_MS = 5_000;
/** Five seconds are promised; here two more test runs may have the cores. `npm run demo:failover` shows the real figure. */
const WRITES_GO_ON_MS = 15_000;

let all: AllServices;
let person: Person;
let chroma: RealServer;
let postgres: RealServer;

beforeAll(async () => {
  all = await startAllServices();
  person = await all.newUser();
  [chroma, postgres] = await Promise.all([startRealServer('chroma'), startRealServer('pgvector')]);
}, 180_000);

afterAll(async () => {
  await all.stop();
  await Promise.all([chroma.remove(), postgres.remove()]);
}, 60_000);

async function call(method: string, path: string, body?: unknown): Promise<HttpAnswer['body']> {
  const answer = await send(all, person, { method, path, body });
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function register({ registration }: RealServer): Promise<string> {
  const { id } = await call('POST', '/v1/servers', { ...registration, name: crypto.randomUUID() });
  expect(await call('POST', `/v1/servers/${String(id)}:testConnection`, {})).toMatchObject({ success: true });
  return String(id);
}

async function untilInSync(database: string): Promise<void> {
  await eventually(
    async () => {
      const { placements } = await call('GET', `${database}/placements`);
      const states = (placements as { state: string }[]).map(({ state }) => state);
      expect(states).toEqual(['IN_SYNC', 'IN_SYNC']);
    },
    { timeoutMs: 90_000 },
  );
}

it('kill -9 of the primary under load through the gateway: no failed read, no lost write', async () => {
  const [first, second] = [await register(chroma), await register(postgres)];
  const { id } = await call('POST', '/v1/databases', { name: crypto.randomUUID(), serverId: first, dimension: 3 });
  const database = `/v1/databases/${String(id)}`;
  await call('POST', `${database}/placements`, { serverId: second });
  await untilInSync(database);

  const acknowledgedAtMs = new Map<string, number>();
  const failedReads: string[] = [];
  const writes = startSteadyLoad(WRITES_PER_SECOND, async (n) => {
    const records = [{ id: `r${n}`, vector: [1, n, 2], text: `record ${n}` }];
    await call('POST', `${database}/records:upsert`, { records }).then(
      () => acknowledgedAtMs.set(`r${n}`, performance.now()),
      () => {},
    );
  });
  const reads = startSteadyLoad(READS_PER_SECOND, async () => {
    await call('POST', `${database}/records:query`, { vector: [1, 2, 3], topK: 3 }).catch((error: Error) =>
      failedReads.push(error.message),
    );
  });
  await pause(CALM_MS);
  const killedAtMs = performance.now();
  await chroma.kill();
  const goOnAtMs = await eventually(
    async () => {
      const { failoverEvents } = await call('GET', `${database}/failover-events`);
      expect(failoverEvents).toHaveLength(1);
      const promotedAtMs = performance.now() - (Date.now() - Date.parse(promotedAt(failoverEvents)));
      const next = [...acknowledgedAtMs.values()].find((atMs) => atMs > promotedAtMs);
      expect(next).toBeDefined();
      return next ?? 0;
    },
    { timeoutMs: 60_000 },
  );
  await pause(CALM_MS);
  await eventually(async () => expect(await lagSecondsAt(first)).toBeGreaterThan(0), { timeoutMs: 30_000 });
  await Promise.all([writes.stop(), reads.stop()]);
  await chroma.start();
  await untilInSync(database);

  expect(failedReads).toEqual([]);
  expect(reads.calls()).toBeGreaterThan(READS_PER_SECOND * 5);
  expect(goOnAtMs - killedAtMs).toBeLessThan(WRITES_GO_ON_MS);
  expect(await missing(database, [...acknowledgedAtMs.keys()])).toEqual([]);
  const operation = await call('POST', `${database}:verify`, {});
  await eventually(async () => {
    expect(await call('GET', `/v1/${String(operation.name)}`)).toMatchObject({ done: true, response: { equal: true } });
  });
}, 300_000);

/** Of the databases on a server, as the servers service measures it. */
async function lagSecondsAt(serverId: string): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${all.ports.servers}/metrics`)).text();
  const found = new RegExp(`^morag_placement_lag_seconds{server="${serverId}"[^}]*} (.+)$`, 'm').exec(metrics);
  return Number(found?.[1] ?? 0);
}

function promotedAt(failoverEvents: unknown): string {
  return (failoverEvents as { promoteTime: string }[])[0]?.promoteTime ?? '';
}

async function missing(database: string, ids: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += 100) {
    // A replica may be a moment behind what the primary has acknowledged.
    const request = { ids: ids.slice(at, at + 100), readPolicy: 'PRIMARY' };
    const { records } = await call('POST', `${database}/records:fetch`, request);
    for (const { id } of records as { id: string }[]) found.add(id);
  }
  return ids.filter((id) => !found.has(id));
}
