import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@morag/testing';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { type HttpAnswer, send } from './http-client.ts';
import { type RealServer, startRealServer } from './real-server.ts';
import { startSteadyLoad } from './steady-load.ts';

/** `MORAG_TEST_MOVE_RECORDS=20000` for the size that the product promises; fewer for every day. */
const RECORDS = Number(process.env.MORAG_TEST_MOVE_RECORDS ?? 3_000);
const DIMENSION = 64;
const READS_PER_SECOND = 50;
const WRITES_PER_SECOND = 20;
const MOVE_MS_MAX = 600_000;
const PAGE_SIZE = 1_000;

interface StoredRecord {
  readonly id: string;
  readonly vector: readonly number[];
  readonly metadata: { readonly n: number };
  readonly text: string;
}

let all: AllServices;
let person: Person;
let postgres: RealServer;

beforeAll(async () => {
  [all, postgres] = await Promise.all([startAllServices(), startRealServer('pgvector')]);
  person = await all.newUser();
}, 180_000);

afterAll(async () => {
  await all.stop();
  await postgres.remove();
}, 60_000);

async function call(method: string, path: string, body?: unknown): Promise<HttpAnswer['body']> {
  const answer = await send(all, person, { method, path, body });
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function register(registration: object): Promise<string> {
  const { id } = await call('POST', '/v1/servers', { ...registration, name: crypto.randomUUID() });
  expect(await call('POST', `/v1/servers/${String(id)}:testConnection`, {})).toMatchObject({ success: true });
  return String(id);
}

/** A record in a direction of its own; `version` gives it another one. */
function made(id: string, n: number, version = 0): StoredRecord {
  const vector = Array.from({ length: DIMENSION }, (_, index) => Math.fround(Math.sin(n + index * 0.7 + version)));
  return { id, vector, metadata: { n }, text: `text ${n}, ${version}` };
}

it(
  'moves a database from Chroma to pgvector under load through the gateway: no failed call, nothing lost',
  async () => {
    const { host, port } = all.chroma;
    const [from, to] = [await register({ type: 'CHROMA', host, port }), await register(postgres.registration)];
    const draft = { name: crypto.randomUUID(), serverId: from, dimension: DIMENSION };
    const { id, collection } = await call('POST', '/v1/databases', draft);
    const database = `/v1/databases/${String(id)}`;
    const oldCollection = `/v1/servers/${from}/collections/${String(collection)}`;
    const expected = new Map<string, StoredRecord>();
    for (let at = 0; at < RECORDS; at += PAGE_SIZE) {
      const size = Math.min(PAGE_SIZE, RECORDS - at);
      const records = Array.from({ length: size }, (_, n) => made(`r${at + n}`, at + n));
      await call('POST', `${database}/records:upsert`, { records });
      for (const record of records) expected.set(record.id, record);
    }
    expect(await call('GET', oldCollection)).toMatchObject({ recordCount: RECORDS });

    const failures: string[] = [];
    const noteFailure = ({ message }: Error): void => void failures.push(message);
    const reads = startSteadyLoad(READS_PER_SECOND, (n) => query(database, n % RECORDS).catch(noteFailure));
    const writes = startSteadyLoad(WRITES_PER_SECOND, (n) => change(database, n, expected).catch(noteFailure));
    const { name } = await call('POST', `${database}:move`, { serverId: to });
    const operation = await eventually(
      async () => {
        const found = await call('GET', `/v1/${String(name)}`);
        expect(found).toMatchObject({ done: true });
        return found;
      },
      { timeoutMs: MOVE_MS_MAX, intervalMs: 500 },
    );
    await Promise.all([reads.stop(), writes.stop()]);

    expect(operation).toMatchObject({ response: { id, serverId: to } });
    expect(failures).toEqual([]);
    expect(reads.calls()).toBeGreaterThan(READS_PER_SECOND);
    expect(await placements(database)).toEqual([{ serverId: to, role: 'PRIMARY', state: 'IN_SYNC' }]);
    expect(await send(all, person, { method: 'GET', path: oldCollection })).toMatchObject({ status: 404 });
    await expectExactly(database, expected);
    expect(await verify(database)).toMatchObject({ equal: true });
  },
  MOVE_MS_MAX + 300_000,
);

async function query(database: string, n: number): Promise<void> {
  const { hits } = await call('POST', `${database}/records:query`, { vector: made('q', n).vector, topK: 5 });
  const { length } = hits as unknown[];
  if (length !== 5) throw new Error(`${length} hits instead of 5`);
}

/** New records, changed ones, and of ten writes one that deletes; no two of one record at once. */
async function change(database: string, n: number, expected: Map<string, StoredRecord>): Promise<void> {
  const old = `r${(n * 37) % RECORDS}`;
  if (n % 10 === 9) {
    const { token } = await call('POST', `${database}/records:delete`, { ids: [old] });
    expected.delete(old);
    const { records } = await call('POST', `${database}/records:fetch`, { ids: [old], token });
    if ((records as unknown[]).length > 0) throw new Error(`${old} is there after it was deleted`);
    return;
  }
  const record = made(n % 3 === 0 ? old : `w${n}`, n, 1);
  await call('POST', `${database}/records:upsert`, { records: [record] });
  expected.set(record.id, record);
}

async function placements(database: string): Promise<readonly object[]> {
  const { placements: found } = await call('GET', `${database}/placements`);
  return (found as { serverId: string; role: string; state: string }[]).map(({ serverId, role, state }) => {
    return { serverId, role, state };
  });
}

async function verify(database: string): Promise<unknown> {
  const { name } = await call('POST', `${database}:verify`, {});
  return eventually(async () => {
    const operation = await call('GET', `/v1/${String(name)}`);
    expect(operation).toMatchObject({ done: true });
    return operation.response;
  });
}

/** Every record is what was last acknowledged, in all that it has, and there is no other. */
async function expectExactly(database: string, expected: ReadonlyMap<string, StoredRecord>): Promise<void> {
  const found = new Map<string, StoredRecord>();
  const wrong: string[] = [];
  for (let pageToken = ''; ; ) {
    const request = { pageSize: PAGE_SIZE, pageToken, includeVector: true };
    const page = await call('POST', `${database}/records:scroll`, request);
    for (const record of page.records as StoredRecord[]) found.set(record.id, record);
    pageToken = String(page.nextPageToken ?? '');
    if (pageToken === '') break;
  }
  for (const [id, record] of expected) if (!isSame(record, found.get(id))) wrong.push(id);
  expect(wrong).toEqual([]);
  expect(found.size).toBe(expected.size);
}

/** A server may keep of a vector what float32 and its own arithmetic leave. */
const TOLERANCE = 1e-5;

function isSame({ vector, metadata, text }: StoredRecord, found: StoredRecord | undefined): boolean {
  if (found?.text !== text || found.metadata.n !== metadata.n) return false;
  return vector.every((value, index) => Math.abs(value - (found.vector[index] ?? Number.NaN)) < TOLERANCE);
}
