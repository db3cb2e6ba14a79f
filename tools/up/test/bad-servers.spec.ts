import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '@morag/embedded';
import { createFaultProxy, type FaultProxy, startPostgres, type TestPostgres } from '@morag/testing';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { expectRefusal, send } from './http-client.ts';

/** Of the test itself, in the request. */
const TIMEOUT_MS = 5_000;

let all: AllServices;
let person: Person;
let proxy: FaultProxy;
let postgres: TestPostgres;
let website: Server;
let closedPort: number;

beforeAll(async () => {
  [all, postgres, closedPort] = await Promise.all([startAllServices(), startPostgres(), freePort()]);
  person = await all.newUser();
  proxy = await createFaultProxy({ port: all.chroma.port });
  await proxy.blackhole();
  website = createServer((_request, response) => response.end('<!doctype html><h1>It works</h1>'));
  await new Promise<void>((resolve) => website.listen(0, '127.0.0.1', resolve));
}, 60_000);

afterAll(async () => {
  await Promise.all([proxy.close(), new Promise((resolve) => website.close(resolve))]);
  await Promise.all([all.stop(), postgres.stop()]);
});

const HOST = '127.0.0.1';
const pgvector = (password: string) => ({
  type: 'PGVECTOR',
  host: HOST,
  port: postgres.port,
  username: 'postgres',
  password,
  database: 'postgres',
});

it.each([
  ['a name that is nobody’s', () => ({ type: 'CHROMA', host: 'no-such-host.invalid', port: 8000 }), 'DNS'],
  ['a closed port', () => ({ type: 'CHROMA', host: HOST, port: closedPort }), 'TCP'],
  ['a black hole', () => ({ type: 'CHROMA', host: HOST, port: proxy.port }), 'TIMEOUT'],
  ['a website', () => ({ type: 'CHROMA', host: HOST, port: (website.address() as AddressInfo).port }), 'PROTOCOL'],
  ['another vendor', () => ({ type: 'CHROMA', host: HOST, port: postgres.port }), 'PROTOCOL'],
  ['TLS where there is none', () => ({ type: 'CHROMA', host: HOST, port: all.chroma.port, tls: 'VERIFY' }), 'TLS'],
  ['a wrong password', () => pgvector('wrong'), 'AUTH'],
  ['no database of that name', () => ({ ...pgvector('postgres'), database: 'nowhere' }), 'NOT_FOUND'],
  ['an address of the cloud’s own', () => ({ type: 'CHROMA', host: '169.254.169.254', port: 80 }), 'EGRESS'],
])('a connection test against %s says so, within its time', async (_what, server, phase) => {
  const path = '/v1/servers:testConnection?timeout=5s';
  const begun = performance.now();
  const { status, body } = await send(all, person, { method: 'POST', path, body: server() });
  expect({ status, body }).toMatchObject({ status: 200, body: { success: false, failure: { phase } } });
  expect(body.message).not.toBe('');
  expect(JSON.stringify(body)).not.toContain('wrong');
  expect(performance.now() - begun).toBeLessThan(2 * TIMEOUT_MS);
});

it('a server that fails its test stays inactive and takes no database', async () => {
  const server = { name: 'dead', type: 'CHROMA', host: HOST, port: closedPort };
  const { body } = await send(all, person, { method: 'POST', path: '/v1/servers', body: server });
  const id = String(body.id);
  const tested = await send(all, person, { method: 'POST', path: `/v1/servers/${id}:testConnection`, body: {} });
  expect(tested.body).toMatchObject({ success: false, failure: { phase: 'TCP' } });
  expect((await send(all, person, { method: 'GET', path: `/v1/servers/${id}` })).body).toMatchObject({
    isActive: false,
  });
  const database = { name: 'on it', dimension: 3, serverId: id };
  expectRefusal(await send(all, person, { method: 'POST', path: '/v1/databases', body: database }), {
    status: 400,
    reason: 'SERVER_INACTIVE',
  });
  expect((await send(all, person, { method: 'GET', path: '/v1/databases' })).body).toMatchObject({ databases: [] });
});

it('lets no address of its own be registered', async () => {
  const server = { name: 'own', type: 'CHROMA', host: HOST, port: 5432 };
  const url = new URL(process.env.MORAG_TEST_DATABASE_URL ?? '');
  const answer = await send(all, person, {
    method: 'POST',
    path: '/v1/servers',
    body: { ...server, port: Number(url.port) },
  });
  expectRefusal(answer, { status: 400, reason: 'HOST_NOT_ALLOWED', field: 'server.host' });
});
