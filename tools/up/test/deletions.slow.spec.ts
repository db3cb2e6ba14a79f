import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, type Installation, newInstallation } from '@morag/testing';

let installation: Installation;
beforeAll(async () => {
  installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await installation.start();
}, 120_000);
afterAll(() => installation.remove());

async function callAs(token: string, method: string, path: string, body?: unknown) {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(installation.gateway + path, { method, headers, ...content });
  const answer = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body: answer };
}

it('reach every service also over the network', async () => {
  const person = { email: 'somebody@example.org', password: 'a good long one' };
  await callAs('', 'POST', '/v1/auth/register', { name: 'Somebody', ...person });
  const token = String((await callAs('', 'POST', '/v1/auth/login', person)).body.accessToken);
  const server = { name: 'mine', type: 'CHROMA', host: '127.0.0.1', port: installation.ports.chroma };
  const serverId = String((await callAs(token, 'POST', '/v1/servers', server)).body.id);
  expect((await callAs(token, 'POST', `/v1/servers/${serverId}:testConnection`, {})).body).toMatchObject({
    success: true,
  });
  const database = { name: 'mine', dimension: 384, serverId };
  const databaseId = String((await callAs(token, 'POST', '/v1/databases', database)).body.id);
  expect((await callAs(token, 'DELETE', '/v1/users/me')).status).toBe(200);
  for (const path of [`/v1/servers/${serverId}`, `/v1/databases/${databaseId}`]) {
    await eventually(async () => expect((await installation.call('GET', path)).status).toBe(404), {
      timeoutMs: 15_000,
    });
  }
}, 60_000);
