import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AuditService } from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { eventually } from '@morag/testing';
import { type AllServices, startAllServices } from './all-services.ts';
import { send } from './http-client.ts';
import { newResources } from './resources.ts';

let all: AllServices;
beforeAll(async () => {
  all = await startAllServices();
}, 60_000);
afterAll(() => all.stop());

interface Event {
  readonly action: string;
  readonly target: string;
  readonly outcome: string;
  readonly ownerId: string;
  readonly after?: Record<string, unknown>;
}

it('what is done in every service is on record, without secrets, and the chains hold', async () => {
  const person = await all.newUser();
  const { server_id: serverId, database_id: databaseId, document_id: documentId } = await newResources(all, person);
  const password = crypto.randomUUID();
  const servers = createClient(ServerService, all.transports.servers);
  await servers.updateServer({ serverId, server: { username: 'somebody', password } }, person.as);
  await servers.deleteServer({ serverId: crypto.randomUUID() }, person.as).catch(() => {});
  let events: readonly Event[] = [];
  await eventually(
    async () => {
      const { body } = await send(all, person, { method: 'GET', path: '/v1/audit-events?pageSize=1000' });
      events = body.auditEvents as Event[];
      const done = events.map(({ action, target, outcome }) => `${action.split('/')[1]} ${target} ${outcome}`);
      expect(done).toEqual(
        expect.arrayContaining([
          `CreateServer servers/${serverId} SUCCEEDED`,
          `TestConnection servers/${serverId} SUCCEEDED`,
          `UpdateServer servers/${serverId} SUCCEEDED`,
          `CreateDatabase databases/${databaseId} SUCCEEDED`,
          `UploadDocument documents/${documentId} SUCCEEDED`,
          expect.stringMatching(/^DeleteServer servers\/[0-9a-f-]{36} FAILED$/),
        ]),
      );
    },
    { timeoutMs: 15_000 },
  );
  expect(events.every(({ ownerId }) => ownerId === person.userId)).toBe(true);
  expect(events.find(({ action }) => action.endsWith('/UpdateServer'))?.after).toMatchObject({ username: 'somebody' });
  expect(JSON.stringify(events)).not.toContain(password);
  const { administrator } = all;
  const { faults, events: checked } = await createClient(AuditService, all.transports.identity).verifyAuditLog(
    {},
    administrator.as,
  );
  expect(faults).toEqual([]);
  expect(Number(checked)).toBeGreaterThanOrEqual(events.length);
}, 60_000);
