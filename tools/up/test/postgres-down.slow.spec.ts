import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type EmbeddedPostgres, freePort, startEmbeddedPostgres } from '@morag/embedded';
import { eventually, type Installation, newInstallation } from '@morag/testing';

/** Longer than any pause between two tries, and than the silence after which credentials count as unchecked. */
const DOWN_MS = 12_000;
/** How soon after PostgreSQL is back everything has to work again: five seconds where no other tests have the cores. */
const RECOVERY_MS_MAX = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'morag-pg-down-'));
let port: number;
let postgres: EmbeddedPostgres;
let installation: Installation;
let token: string;

function startPostgres(): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ folder, port, password: 'postgres', settings: ['max_connections=200'] });
}

beforeAll(async () => {
  port = await freePort();
  postgres = await startPostgres();
  installation = await newInstallation({ MORAG_DATABASE_URL: postgres.url });
  await installation.start();
  token = await installation.token();
}, 120_000);

afterAll(async () => {
  await installation.remove();
  await postgres.stop();
  for (const used of [dirname(postgres.dataFolder), folder]) rmSync(used, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** With the token of before: nobody can log in meanwhile. */
async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(installation.gateway + path, { method, headers, ...content });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function readiness(): Promise<Record<string, number>> {
  const names = ['identity', 'servers', 'documents', 'gateway'] as const;
  const statuses = names.map(async (name) => {
    const { status } = await fetch(`http://127.0.0.1:${installation.ports[name]}/readyz`);
    return [name, status] as const;
  });
  return Object.fromEntries(await Promise.all(statuses));
}

async function liveness(): Promise<number> {
  return (await fetch(`${installation.gateway}/livez`)).status;
}

it('answers 503 while PostgreSQL is down, and recovers by itself', async () => {
  const { databases } = (await call('GET', '/v1/databases')).body as { databases: { id: string; dimension: number }[] };
  const [database] = databases;
  const vector = Array.from({ length: database?.dimension ?? 0 }, (_, index) => (index === 0 ? 1 : 0));
  const records = `/v1/databases/${database?.id}/records`;
  expect((await call('POST', `${records}:upsert`, { records: [{ id: 'a', vector }] })).status).toBe(200);

  await postgres.stop();
  for (const back = performance.now() + DOWN_MS; performance.now() < back; await pause(500)) {
    for (const [method, path, body] of [
      ['GET', '/v1/servers', undefined],
      ['GET', '/v1/documents', undefined],
      ['GET', '/v1/users/me', undefined],
      ['POST', '/v1/auth/login', { email: 'a@example.org', password: 'a good long one' }],
      ['POST', `${records}:upsert`, { records: [{ id: 'b', vector }] }],
      ['POST', `/v1/databases/${database?.id}:search`, { query: 'anything' }],
    ] as const) {
      const answer = await call(method, path, body);
      expect({ path, ...answer }).toMatchObject({
        path,
        status: 503,
        body: { type: 'urn:morag:error:UNAVAILABLE', requestId: expect.stringMatching(/./) },
      });
    }
  }
  expect(await readiness()).toEqual({ identity: 503, servers: 503, documents: 503, gateway: 503 });
  expect(await liveness()).toBe(200);

  postgres = await startPostgres();
  await eventually(
    async () => {
      expect(await readiness()).toEqual({ identity: 200, servers: 200, documents: 200, gateway: 200 });
      expect((await call('GET', '/v1/servers')).status).toBe(200);
      expect((await call('POST', `${records}:upsert`, { records: [{ id: 'c', vector }] })).status).toBe(200);
    },
    { timeoutMs: RECOVERY_MS_MAX },
  );
  // What was acknowledged before is there; a new session can begin.
  const fetched = await call('POST', `${records}:fetch`, { ids: ['a', 'c'] });
  expect((fetched.body as { records: unknown[] }).records).toHaveLength(2);
  token = await installation.token();
  expect(await call('GET', '/v1/users/me')).toMatchObject({ status: 200 });
}, 120_000);

it('still ends in order, as one that nothing happened to', async () => {
  expect(await installation.stop()).toBe(0);
}, 30_000);
