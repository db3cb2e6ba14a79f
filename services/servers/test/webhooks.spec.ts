import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { Webhook_EventType } from '@morag/gen/morag/servers/v1/webhook_pb.ts';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { newDatabase, newServer, refusal } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let harness: Harness;
let alice: Caller;
let receiver: Server;
let url: string;
const received: Received[] = [];
/** Answers of the receiver, in order; 204 when none is left. */
const answers: number[] = [];

beforeAll(async () => {
  harness = await startServers();
  alice = await harness.newUser();
  receiver = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      response.writeHead(answers.shift() ?? 204, { location: 'http://127.0.0.1:1/elsewhere' }).end();
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?a=b`;
});

afterAll(async () => {
  receiver.close();
  await harness.close();
});

/** Changes the primary of a new database. */
async function failOver(owner: Caller): Promise<string> {
  const { databaseId } = await newDatabase(harness, owner);
  const { serverId } = await newServer(harness, owner);
  const { id } = await harness.databases.createPlacement({ databaseId, placement: { serverId } }, owner.as);
  await eventually(async () => {
    const { state } = await harness.databases.getPlacement({ databaseId, placementId: id }, owner.as);
    expect(state).toBe(Placement_State.IN_SYNC);
  });
  await harness.databases.failOver({ databaseId }, owner.as);
  return databaseId;
}

function expectSigned({ headers, body }: Received, secret: string): void {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(60);
}

const bodyOf = ({ body }: Received) => JSON.parse(body) as { id: string; type: string; data: { databaseId: string } };

it('posts a failover, signed, and again until it is taken; a redirect is no answer', async () => {
  const { webhook, secret } = await harness.webhooks.createWebhook({ webhook: { url } }, alice.as);
  received.length = 0;
  answers.push(500, 302);
  const databaseId = await failOver(alice);
  await eventually(() => expect(received).toHaveLength(3));
  for (const each of received) expectSigned(each, secret);
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  const [event] = (await harness.databases.listFailoverEvents({ databaseId }, alice.as)).failoverEvents;
  expect(received.map(bodyOf)[2]).toMatchObject({ id: event?.id, type: 'FAILOVER', data: { databaseId } });
  await eventually(async () => {
    const found = await harness.webhooks.getWebhook({ webhookId: webhook?.id }, alice.as);
    expect(found).toMatchObject({ lastFailure: '', lastDeliveryTime: expect.anything() as unknown });
  });
  await harness.webhooks.deleteWebhook({ webhookId: webhook?.id }, alice.as);
  expect((await refusal(harness.webhooks.getWebhook({ webhookId: webhook?.id }, alice.as))).reason).toBe(
    'WEBHOOK_NOT_FOUND',
  );
});

it('tells an owner of nobody else’s databases, and lists nobody else’s webhooks', async () => {
  const bob = await harness.newUser();
  const { webhook } = await harness.webhooks.createWebhook({ webhook: { url } }, bob.as);
  received.length = 0;
  await failOver(alice);
  const databaseId = await failOver(bob);
  await eventually(() => expect(received.map(bodyOf)).toMatchObject([{ data: { databaseId } }]));
  expect((await harness.webhooks.listWebhooks({}, bob.as)).webhooks).toMatchObject([{ id: webhook?.id, url }]);
  expect((await harness.webhooks.listWebhooks({}, alice.as)).webhooks).toEqual([]);
  const webhookId = webhook?.id ?? randomUUID();
  expect((await refusal(harness.webhooks.deleteWebhook({ webhookId }, alice.as))).reason).toBe('WEBHOOK_NOT_FOUND');
});

it.each([
  ['a metadata service', 'http://169.254.169.254/latest', 'HOST_NOT_ALLOWED'],
  ['the same in hexadecimal', 'http://0xa9fea9fe/', 'HOST_NOT_ALLOWED'],
  ['a private address that is not allowed', 'https://10.0.0.1/', 'HOST_NOT_ALLOWED'],
  ['credentials in the address', 'http://user:secret@127.0.0.1/', 'INVALID_ARGUMENT'],
  ['a file', 'file:///etc/passwd', 'INVALID_ARGUMENT'],
  ['no address at all', 'nonsense', 'INVALID_ARGUMENT'],
])('refuses %s', async (_, address, reason) => {
  const created = harness.webhooks.createWebhook({ webhook: { url: address } }, alice.as);
  expect((await refusal(created)).reason).toBe(reason);
});

it('posts a test when it is asked to, signed as all are, and says what came of it', async () => {
  const { webhook, secret } = await harness.webhooks.createWebhook({ webhook: { url } }, alice.as);
  const webhookId = webhook?.id ?? '';
  received.length = 0;
  answers.push(204, 503);
  expect(await harness.webhooks.testWebhook({ webhookId }, alice.as)).toMatchObject({ success: true });
  expect(await harness.webhooks.testWebhook({ webhookId }, alice.as)).toMatchObject({
    success: false,
    message: 'It answered 503.',
  });
  expect(received.map(bodyOf)).toMatchObject([{ type: 'TEST', data: { webhookId } }, { type: 'TEST' }]);
  for (const each of received) expectSigned(each, secret);
  expect(await harness.webhooks.getWebhook({ webhookId }, alice.as)).toMatchObject({ lastFailure: 'It answered 503.' });
  const bob = await harness.newUser();
  expect((await refusal(harness.webhooks.testWebhook({ webhookId }, bob.as))).reason).toBe('WEBHOOK_NOT_FOUND');
  await harness.webhooks.deleteWebhook({ webhookId }, alice.as);
});

it('takes events of other services to the webhooks of their owner that want them', async () => {
  const eventTypes = [Webhook_EventType.JOB_FAILED];
  const { webhook, secret } = await harness.webhooks.createWebhook({ webhook: { url, eventTypes } }, alice.as);
  const bob = await harness.newUser();
  await harness.webhooks.createWebhook({ webhook: { url } }, bob.as);
  received.length = 0;
  const time = { seconds: 1_800_000_000n, nanos: 0 };
  const documents = await harness.serviceFor(alice.userId);
  const announce = async (type: Webhook_EventType): Promise<string> => {
    const event = { ownerId: alice.userId, eventId: randomUUID(), type, time, data: { status: 'as it was told' } };
    await harness.webhooks.announceEvent(event, documents.as);
    return event.eventId;
  };
  await announce(Webhook_EventType.JOB_FINISHED);
  const id = await announce(Webhook_EventType.JOB_FAILED);
  await eventually(() => expect(received).toHaveLength(1));
  expect(received.map(bodyOf)).toEqual([
    { id, type: 'JOB_FAILED', time: '2027-01-15T08:00:00.000Z', data: { status: 'as it was told' } },
  ]);
  for (const each of received) expectSigned(each, secret);
  const announced = harness.webhooks.announceEvent({ ownerId: alice.userId, eventId: id, type: 3, time }, bob.as);
  expect((await refusal(announced)).reason).toBe('PERMISSION_DENIED');
  await harness.webhooks.deleteWebhook({ webhookId: webhook?.id }, alice.as);
});

it('keeps a thousand events for a webhook that takes none, and counts the older ones that it gives up', async () => {
  const carol = await harness.newUser();
  const { webhook } = await harness.webhooks.createWebhook({ webhook: { url } }, carol.as);
  const webhookId = webhook?.id ?? '';
  const client = new pg.Client({ connectionString: harness.databaseUrl });
  await client.connect();
  try {
    const append = `insert into servers.outbox_events (key, type, payload, attempts, due_at, created_at)
      select 'webhook/' || $1, 'webhook.event', to_jsonb(n), 1, now() + interval '1 hour', now() from generate_series(1, 1001) n`;
    await client.query(append, [webhookId]);
    const documents = await harness.serviceFor(carol.userId);
    const time = { seconds: 1_800_000_000n, nanos: 0 };
    const event = { ownerId: carol.userId, eventId: randomUUID(), type: Webhook_EventType.JOB_FAILED, time };
    await harness.webhooks.announceEvent(event, documents.as);
    const { rows } = await client.query<{ payload: unknown }>(
      'select payload from servers.outbox_events where key = $1 order by seq',
      [`webhook/${webhookId}`],
    );
    expect(rows).toHaveLength(1_000);
    expect(rows.at(0)?.payload).toBe(3);
    expect(rows.at(-1)?.payload).toMatchObject({ event: { id: event.eventId } });
    expect(await harness.webhooks.getWebhook({ webhookId }, carol.as)).toMatchObject({ lostEventCount: 2 });
  } finally {
    await client.end();
  }
});
