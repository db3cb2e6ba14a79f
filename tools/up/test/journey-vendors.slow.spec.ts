import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { STARTABLE, VENDORS } from '@morag/servers-lab';
import { eventually, type Installation, newInstallation } from '@morag/testing';
import { isAnswered, MANUALS, QUESTIONS, type SearchAnswer } from './questions.ts';

/** Installing a server may mean building it. */
const INSTALL_MS = 600_000;
const JOURNEY_MS = 240_000;
const DIMENSION = 384;

type Resource = Readonly<Record<string, unknown>> & { readonly id: string };

let installation: Installation;

beforeAll(async () => {
  installation = await newInstallation();
  await installation.start();
}, JOURNEY_MS);

afterAll(() => installation.remove());

/** Calls that must succeed. */
async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await installation.call<T>(method, path, body);
  expect({ path, status: answer.status, body: answer.body }).toMatchObject({ status: 200 });
  return answer.body;
}

async function upload(databaseId: string, name: string): Promise<string> {
  const form = new FormData();
  form.set('file', new Blob([readFileSync(join(MANUALS, name))]), name);
  const headers = { authorization: `Bearer ${await installation.token()}` };
  const url = `${installation.gateway}/v1/databases/${databaseId}/documents:upload`;
  const response = await fetch(url, { method: 'POST', headers, body: form });
  return ((await response.json()) as { jobId: string }).jobId;
}

/** The job, once it has come to its end. */
function endOf(job: string): Promise<Resource> {
  return eventually(
    async () => {
      const found = await call<Resource>('GET', `/v1/jobs/${job}`);
      expect(['FINISHED', 'FAILED', 'CANCELLED']).toContain(found.status);
      return found;
    },
    { timeoutMs: JOURNEY_MS, intervalMs: 200 },
  );
}

/** An answer to which the vectors have contributed: the first queries of a server that has just started may be late. */
function search(databaseId: string, query: string): Promise<SearchAnswer> {
  return eventually(
    async () => {
      const answer = await call<SearchAnswer>('POST', `/v1/databases/${databaseId}:search`, { query, topK: 3 });
      expect(answer.degraded).toBe(false);
      return answer;
    },
    { timeoutMs: JOURNEY_MS, intervalMs: 200 },
  );
}

describe.each(STARTABLE)('the journey, on a real server of %s', (vendor) => {
  it(
    'goes from a registration to answers, and back',
    async () => {
      const harness = await VENDORS[vendor]?.harness();
      if (!harness) throw new Error(`there is no server of ${vendor}`);
      try {
        const { host, port, username, password, apiKey, database: inside, config } = harness.settings;
        const registration = { username, password, apiKey, database: inside, config };
        const type = vendor.toUpperCase();
        const server = await call<Resource>('POST', '/v1/servers', { name: vendor, type, host, port, ...registration });
        const test = await call<Resource>('POST', `/v1/servers/${server.id}:testConnection`, { timeout: '60s' });
        expect(test).toMatchObject({ message: expect.stringContaining('Connected to'), success: true });

        const wanted = { name: `on-${vendor}`, dimension: DIMENSION, serverId: server.id };
        const { id } = await call<Resource>('POST', '/v1/databases', wanted);
        const jobs = await Promise.all(readdirSync(MANUALS).map((name) => upload(id, name)));
        for (const job of jobs) {
          const { status, failure } = await endOf(job);
          expect({ status, failure }).toEqual({ status: 'FINISHED', failure: undefined });
        }
        for (const question of QUESTIONS) {
          const answer = await search(id, question.query);
          expect({ question, isAnswered: isAnswered(answer, question) }).toEqual({ question, isAnswered: true });
        }

        const { collections } = await call<{ collections: Resource[] }>('GET', `/v1/servers/${server.id}/collections`);
        expect(collections).toContainEqual(expect.objectContaining({ databaseId: id, dimension: DIMENSION }));
        await call('DELETE', `/v1/databases/${id}`);
        await eventually(() => call('DELETE', `/v1/servers/${server.id}`), { timeoutMs: JOURNEY_MS, intervalMs: 200 });
      } finally {
        await harness.stop();
      }
    },
    INSTALL_MS,
  );
});
