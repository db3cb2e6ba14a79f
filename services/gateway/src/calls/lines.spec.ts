import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestGateway, type TestGateway } from '../testing/gateway.ts';
import { KNOWN_ID } from '../testing/services.ts';

const PATH = `/v1/databases/${KNOWN_ID}/records:import`;

let running: TestGateway | undefined;

afterEach(async () => {
  await running?.gateway.stop(100);
  running = undefined;
});

/** Sends the pieces one after the other and reads the answer. */
async function send(pieces: readonly string[], type = 'application/x-ndjson') {
  running = await createTestGateway();
  const { port } = await running.gateway.start();
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path: PATH,
    method: 'POST',
    headers: { 'content-type': type },
  });
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  for (const piece of pieces) await new Promise((resolve) => request.write(piece, resolve));
  request.end();
  const [response] = await answered;
  return { status: response.statusCode, body: (await json(response)) as Record<string, unknown> };
}

const line = (...ids: readonly string[]): string =>
  JSON.stringify({ records: ids.map((id) => ({ id, vector: [1, 2] })), cursor: 'as an export gives it' });

describe('lines of JSON', () => {
  it('are the messages of one call, each with what the path says', async () => {
    const { status, body } = await send([`${line('a', 'b')}\n${line('c')}\n`]);
    expect(status).toBe(200);
    expect(body).toEqual({ upserted: 3, token: KNOWN_ID });
  });

  it('may be cut anywhere on their way, be blank, and miss their last newline', async () => {
    const text = `${line('ä')}\r\n\n${line('b')}`;
    const { body } = await send([text.slice(0, 20), text.slice(20, 21), text.slice(21)]);
    expect(body).toMatchObject({ upserted: 2 });
  });

  it.each([
    ['no JSON', '{"records": [', { type: 'urn:morag:error:MALFORMED_BODY', metadata: { line: '2' } }],
    ['an unknown field', '{"recrods": []}', { violations: [{ field: 'recrods', description: expect.any(String) }] }],
    ['another database', '{"databaseId": "018f3d2e-0000-7000-8000-000000000009"}', { status: 400 }],
  ])('that hold %s are refused by their number', async (_what, wrong, expected) => {
    const { status, body } = await send([`${line('a')}\n${wrong}\n`]);
    expect(status).toBe(400);
    expect(body).toMatchObject(expected);
    expect(body.detail).toContain('Line 2');
  });

  it('of another type are refused', async () => {
    expect((await send([line('a')], 'application/json')).status).toBe(415);
  });

  it('may be none at all', async () => {
    expect((await send([])).body).toEqual({ upserted: 0, token: '' });
  });
});
