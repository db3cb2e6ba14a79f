import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { type AllServices, startAllServices } from './all-services.ts';
import { expectRefusal, send } from './http-client.ts';
import { newKey, newResources } from './resources.ts';

let all: AllServices;
beforeAll(async () => {
  all = await startAllServices();
}, 60_000);
afterAll(() => all.stop());

type Named = readonly { readonly name: string; readonly id: string; readonly isActive?: boolean }[];

it('what a user has is exported without secrets, and comes back elsewhere as far as it can', async () => {
  const [person, other, viewer] = await Promise.all([all.newUser(), all.newUser(), all.newUser('VIEWER')]);
  const { server_id: serverId, database_id: databaseId, document_id: documentId } = await newResources(all, person);
  const password = crypto.randomUUID();
  const { key } = await newKey(all, person);
  await createClient(ServerService, all.transports.servers).updateServer({ serverId, server: { password } }, person.as);
  await send(all, person, { method: 'PATCH', path: '/v1/users/me/settings', body: { theme: 'DARK', language: 'de' } });

  const { status, body } = await send(all, person, { method: 'GET', path: '/v1/users/me:export' });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    complete: true,
    settings: { theme: 'DARK', language: 'de' },
    servers: [{ id: serverId }],
    databases: [{ id: databaseId }],
    documents: [{ id: documentId }],
  });
  expect(body.apiKeys).toHaveLength(2);
  for (const secret of [password, key.slice(-49)]) expect(JSON.stringify(body)).not.toContain(secret);

  const imported = await send(all, other, { method: 'POST', path: '/v1/users/me:import', body });
  const [server] = body.servers as Named;
  const [database] = body.databases as Named;
  expect(imported.body.items).toEqual(
    expect.arrayContaining([
      { name: 'settings', imported: true, reason: '' },
      { name: `servers/${server?.name}`, imported: true, reason: '' },
      expect.objectContaining({ name: `databases/${database?.name}`, reason: expect.stringContaining('server') }),
      expect.objectContaining({ name: 'documents/text.md' }),
    ]),
  );
  const { body: list } = await send(all, other, { method: 'GET', path: '/v1/servers' });
  expect((list.servers as Named).map(({ name, isActive }) => [name, isActive ?? false])).toEqual([
    [server?.name, false],
  ]);
  const { body: settings } = await send(all, other, { method: 'GET', path: '/v1/users/me/settings' });
  expect(settings).toMatchObject({ theme: 'DARK', language: 'de' });

  const again = await send(all, other, { method: 'POST', path: '/v1/users/me:import', body });
  expect(again.body.items).toContainEqual({
    name: `servers/${server?.name}`,
    imported: false,
    reason: 'its name is taken',
  });
  const theirs = await send(all, other, { method: 'GET', path: `/v1/users/${person.userId}:export` });
  expectRefusal(theirs, { status: 404, reason: 'USER_NOT_FOUND' });
  const denied = await send(all, viewer, { method: 'POST', path: '/v1/users/me:import', body: {} });
  expectRefusal(denied, { status: 403, reason: 'PERMISSION_DENIED' });
}, 60_000);
