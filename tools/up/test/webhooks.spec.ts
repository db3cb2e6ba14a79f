import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@morag/testing';
import { type AllServices, startAllServices } from './all-services.ts';
import { send } from './http-client.ts';
import { newDatabase, newServer } from './resources.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const CLI = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

let all: AllServices;
let receiver: Server;
let url: string;
/** Where the command line finds who it is. */
let folder: string;
const received: Received[] = [];
/** Statuses that the receiver answers next; 204 when none is left. */
const answers: number[] = [];

beforeAll(async () => {
  all = await startAllServices();
  receiver = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      response.writeHead(answers.shift() ?? 204).end();
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  folder = mkdtempSync(join(tmpdir(), 'morag-cli-'));
  const { email, password } = all.administrator;
  writeFileSync(join(folder, 'credentials.json'), JSON.stringify({ email, password, gateway: all.gateway }));
}, 60_000);

afterAll(async () => {
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
  await all.stop();
});

/** What `morag` writes, and how it exits. */
function morag(...args: string[]): Promise<{ readonly code: unknown; readonly stdout: string }> {
  const env = { ...process.env, MORAG_DATA_DIR: folder };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], { env }, (error, stdout) => resolve({ code: error?.code ?? 0, stdout }));
  });
}

function expectSigned({ headers, body }: Received, secret: string): void {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
}

const bodies = () => received.map(({ body }) => JSON.parse(body) as { id: string; type: string; data: object });

it('a webhook made at the command line is tested, told of a job until it takes it, listed and deleted', async () => {
  const created = await morag('--json', 'webhooks', 'create', url, '--event', 'JOB_FINISHED');
  const { webhook, secret } = JSON.parse(created.stdout) as { webhook: { id: string }; secret: string };
  expect(await morag('webhooks', 'test', webhook.id)).toEqual({ code: 0, stdout: 'It took the event.\n' });
  answers.push(500);
  expect(await morag('webhooks', 'test', webhook.id)).toEqual({ code: 1, stdout: 'It answered 500.\n' });
  expect(bodies()).toMatchObject([{ type: 'TEST', data: { webhookId: webhook.id } }, { type: 'TEST' }]);

  received.length = 0;
  answers.push(503);
  const serverId = await newServer(all, all.administrator);
  const databaseId = await newDatabase(all, all.administrator, { serverId });
  const form = new FormData();
  form.append('file', new Blob(['# Zebras\n\nZebras are striped.\n']), 'zebras.md');
  const path = `/v1/databases/${databaseId}/documents:upload`;
  const uploaded = await send(all, all.administrator, { method: 'POST', path, body: form });
  await eventually(() => expect(received).toHaveLength(2), { timeoutMs: 60_000 });
  const data = { id: uploaded.body.jobId, documentName: 'zebras.md', status: 'FINISHED' };
  expect(bodies()).toMatchObject([
    { type: 'JOB_FINISHED', data },
    { type: 'JOB_FINISHED', data },
  ]);
  expect(new Set(bodies().map(({ id }) => id)).size).toBe(1);
  for (const each of received) expectSigned(each, secret);

  await eventually(async () => {
    const listed = JSON.parse((await morag('--json', 'webhooks', 'list')).stdout) as object[];
    expect(listed).toMatchObject([{ id: webhook.id, url, eventTypes: ['JOB_FINISHED'], lastFailure: '' }]);
  });
  expect(await morag('webhooks', 'delete', webhook.id)).toMatchObject({ code: 0 });
  expect(JSON.parse((await morag('--json', 'webhooks', 'list')).stdout)).toEqual([]);
}, 120_000);
