import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createFaultProxy, eventually, type FaultProxy } from '@morag/testing';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { expectRefusal, type HttpAnswer, send } from './http-client.ts';
import { newDatabase, newServer } from './resources.ts';

let all: AllServices;
let person: Person;
let proxy: FaultProxy;

beforeAll(async () => {
  all = await startAllServices();
  person = await all.newUser();
  proxy = await createFaultProxy({ port: all.chroma.port });
}, 60_000);

beforeEach(() => proxy.pass());
afterAll(async () => {
  await all.stop();
  await proxy.close();
});

function get(path: string): Promise<HttpAnswer> {
  return send(all, person, { method: 'GET', path });
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> {
  return send(all, person, { method: 'POST', path, body, headers });
}

/** A few sections, so that there is something to be half visible. */
const TEXT = Array.from(
  { length: 12 },
  (_, index) =>
    `## Valve ${index}\n\n${`Valve ${index} is closed by turning it ${index + 2} times to the right. `.repeat(12)}`,
).join('\n\n');

it('an ingestion waits for a vector server that is away, and shows nothing before it is whole', async () => {
  const databaseId = await newDatabase(all, person, { serverId: await newServer(all, person, proxy.port) });
  const database = `/v1/databases/${databaseId}`;
  await proxy.refuse();
  const form = new FormData();
  form.set('file', new Blob([TEXT]), 'valves.md');
  const { status, body } = await send(all, person, {
    method: 'POST',
    path: `${database}/documents:upload`,
    body: form,
  });
  expect(status).toBe(200);
  const job = `/v1/jobs/${String(body.jobId)}`;
  // Its vectors are on their way: in the log, and on no server.
  await eventually(async () => expect(Number((await get(database)).body.headSequence)).toBeGreaterThan(0), {
    timeoutMs: 20_000,
  });

  expect((await get(`/v1/documents/${String(body.id)}`)).body).toMatchObject({ state: 'INGESTING' });
  expect((await post(`${database}:search`, { query: 'closing a valve' })).body).toMatchObject({ hits: [] });
  expectRefusal(await post(`${database}/records:query`, { vector: [1, ...Array.from({ length: 383 }, () => 0)] }), {
    status: 503,
    reason: 'NO_PLACEMENT_AVAILABLE',
  });

  await proxy.pass();
  await eventually(async () => expect((await get(job)).body).toMatchObject({ status: 'FINISHED' }), {
    timeoutMs: 40_000,
  });
  const document = (await get(`/v1/documents/${String(body.id)}`)).body;
  expect(document).toMatchObject({ state: 'INGESTED' });
  expect((await post(`${database}/records:count`, {})).body).toEqual({ count: document.chunkCount });
  const { hits } = (await post(`${database}:search`, { query: 'closing valve 7', topK: 3 })).body as {
    hits: { text: string }[];
  };
  expect(hits.some(({ text }) => text.includes('Valve 7'))).toBe(true);
}, 90_000);

it('a write that could not be confirmed is not lost', async () => {
  const serverId = await newServer(all, person, proxy.port);
  const databaseId = await newDatabase(all, person, { serverId, dimension: 3 });
  const records = `/v1/databases/${databaseId}/records`;
  await proxy.refuse();
  const refused = await post(
    `${records}:upsert`,
    { records: [{ id: 'a', vector: [1, 0, 0] }] },
    { 'request-timeout': '5' },
  );
  expectRefusal(refused, { status: 504, reason: 'WRITE_NOT_CONFIRMED' });
  await proxy.pass();
  await eventually(async () => expect((await post(`${records}:count`, {})).body).toEqual({ count: 1 }), {
    timeoutMs: 30_000,
  });
}, 60_000);
