import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '@morag/errors';
import type { WatchJobResponseSchema } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import { eventually } from '@morag/testing';
import { createTestGateway, type TestGateway } from '../testing/gateway.ts';
import { KNOWN_ID, type TestBehaviour } from '../testing/services.ts';

type WatchJobResponse = MessageInitShape<typeof WatchJobResponseSchema>;

let running: TestGateway | undefined;

afterEach(async () => {
  await running?.gateway.stop(100);
  running = undefined;
});

/** Opens the stream over a real connection. */
async function watch(watchJob: TestBehaviour['watchJob'], accept = 'text/event-stream'): Promise<IncomingMessage> {
  running = await createTestGateway({ watchJob });
  const { port } = await running.gateway.start();
  const request = httpRequest({ host: '127.0.0.1', port, path: `/v1/jobs/${KNOWN_ID}:watch`, headers: { accept } });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  return response.setEncoding('utf8');
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += chunk as string;
  return text;
}

function progress(percentage: number): WatchJobResponse {
  return { job: { id: KNOWN_ID, percentage } };
}

/** Resolves when the call that a service handles is aborted. */
function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

async function* endless(signal: AbortSignal): AsyncGenerator<WatchJobResponse> {
  yield progress(1);
  await abortOf(signal);
}

describe('a stream', () => {
  it('is sent as events of JSON', async () => {
    const response = await watch(async function* () {
      yield progress(10);
      yield progress(100);
    });
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-request-id': expect.any(String),
    });
    const events = (await textOf(response)).split('\n\n');
    expect(events).toHaveLength(3);
    expect(JSON.parse(events[0]?.slice('data: '.length) ?? '')).toMatchObject({
      job: { id: KNOWN_ID, percentage: 10 },
    });
    expect(events.at(-1)).toBe('');
  });

  it('is sent as lines of JSON to who wants them', async () => {
    const messages = async function* () {
      yield progress(1);
      yield progress(2);
    };
    const response = await watch(messages, 'application/x-ndjson');
    expect(response.headers['content-type']).toBe('application/x-ndjson');
    const lines = (await textOf(response)).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { job: { percentage: number } }).job.percentage)).toEqual([1, 2]);
  });

  it('arrives message by message', async () => {
    const { promise: seen, resolve: onSeen } = Promise.withResolvers<void>();
    const response = await watch(async function* () {
      yield progress(1);
      await seen;
      yield progress(2);
    });
    const [first] = (await once(response, 'data')) as [string];
    expect(first).toContain('"percentage":1');
    onSeen();
    expect(await textOf(response)).toContain('"percentage":2');
  });

  it('that is refused has the status of its refusal', async () => {
    const response = await watch(undefined);
    expect(response.statusCode).toBe(404);
    expect(response.headers['content-type']).toMatch('application/problem+json');
    expect(JSON.parse(await textOf(response))).toMatchObject({ type: 'urn:morag:error:JOB_NOT_FOUND' });
  });

  it('that fails later ends with a problem', async () => {
    const failing = async function* () {
      yield progress(1);
      throw new DomainError('UNAVAILABLE', 'The database is away.');
    };
    const events = (await textOf(await watch(failing))).split('\n\n');
    expect(events[1]).toMatch(/^event: error\ndata: /);
    expect(JSON.parse(events[1]?.split('data: ')[1] ?? '')).toMatchObject({
      status: 503,
      detail: 'The database is away.',
    });
    await running?.gateway.stop(100);

    const lines = (await textOf(await watch(failing, 'application/x-ndjson'))).trimEnd().split('\n');
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ error: { status: 503 } });
  });

  it('ends for the service when the client goes away', async () => {
    let aborted: Promise<void> | undefined;
    const response = await watch(async function* (signal) {
      aborted = abortOf(signal);
      yield progress(1);
      await aborted;
    });
    await once(response, 'data');
    response.destroy();
    await expect(aborted).resolves.toBeUndefined();
  });

  it('opens without its first message after a while, and ends when the gateway stops', async () => {
    let aborted: Promise<void> | undefined;
    const response = await watch(async function* (signal) {
      aborted = abortOf(signal);
      await aborted;
      yield progress(1);
    });
    expect(response.statusCode).toBe(200);
    const text = textOf(response);
    await running?.gateway.stop();
    expect(await text).toMatch(/^event: error\ndata: .*error:UNAVAILABLE/);
    await aborted;
  });

  it('waits for a slow reader instead of filling the memory', async () => {
    let sent = 0;
    const response = await watch(async function* () {
      for (; sent < 3_000; sent++) yield { job: { id: KNOWN_ID, summary: 'x'.repeat(8_000) } };
    });
    response.pause();
    let before = -1;
    await eventually(
      () => {
        const halted = before === sent && sent > 0;
        before = sent;
        expect(halted).toBe(true);
      },
      { intervalMs: 200 },
    );
    expect(sent).toBeLessThan(3_000);
    expect((await textOf(response)).length).toBeGreaterThan(24_000_000);
  });

  it('counts against the bound of requests until it has ended', async () => {
    running = await createTestGateway({ watchJob: (signal) => endless(signal) }, { requestsMax: 1 });
    const { port } = await running.gateway.start();
    const url = `http://127.0.0.1:${port}/v1/jobs/${KNOWN_ID}:watch`;
    const leave = new AbortController();
    const first = await fetch(url, { signal: leave.signal });
    expect(first.status).toBe(200);
    const second = await fetch(url);
    expect(await second.json()).toMatchObject({ status: 429, type: 'urn:morag:error:OVERLOADED' });
    expect(second.headers.get('retry-after')).toBe('1');
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
    leave.abort();
    await eventually(async () => {
      const again = new AbortController();
      const { status } = await fetch(url, { signal: again.signal });
      again.abort();
      expect(status).toBe(200);
    });
  });

  it('has no head', async () => {
    running = await createTestGateway();
    const { statusCode } = await running.gateway.app.inject({ method: 'HEAD', url: `/v1/jobs/${KNOWN_ID}:watch` });
    expect(statusCode).toBe(405);
  });
});
