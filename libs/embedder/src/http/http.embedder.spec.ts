import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createEmbedder } from '../create-embedder.ts';
import type { Embedder } from '../embedder.ts';
import { HttpEmbedder } from './http.embedder.ts';
import { openAiProtocol } from './protocols.ts';
import { RETRY_POLICY, retryAfterMs } from './retrying-post.ts';

interface Call {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: { model: string; input: string[] };
}
type Answer = { status: number; body: unknown; headers?: Record<string, string> };

let server: Server | undefined;
const calls: Call[] = [];
const never = new AbortController().signal;
const vectorOf = (text: string): number[] => [text.length, 0, 1];

/** A provider that answers each call by `answer`. */
async function provider(answer: (call: Call, attempt: number) => Answer): Promise<string> {
  calls.length = 0;
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void request.toArray().then((parts: Buffer[]) => {
      const body = JSON.parse(Buffer.concat(parts).toString());
      const call = { path: request.url ?? '', authorization: request.headers.authorization, body };
      calls.push(call);
      const { status, body: json, headers } = answer(call, calls.length);
      response.writeHead(status, headers).end(typeof json === 'string' ? json : JSON.stringify(json));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const openAiAnswer = (call: Call): Answer => ({
  status: 200,
  body: { data: call.body.input.map((text, index) => ({ index, embedding: vectorOf(text) })).reverse() },
});

function patient(url: string): Embedder {
  const policy = { ...RETRY_POLICY, pauseMs: 1 };
  const fetch = globalThis.fetch;
  return new HttpEmbedder(openAiProtocol({ model: 'm' }), { url, model: 'm', dimension: 3, fetch, policy });
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

describe('an OpenAI-compatible provider', () => {
  it('is asked in batches with the key, and its answers keep the order of the texts', async () => {
    const url = await provider(openAiAnswer);
    const embedder = createEmbedder({ provider: 'openai', url: `${url}/v1/`, model: 'm', apiKey: 'k', dimension: 3 });
    const texts = Array.from({ length: 70 }, (_, i) => 'x'.repeat(i + 1));
    const vectors = await embedder.embed(texts, 'passage', never);
    expect(vectors.map((vector) => vector[0])).toEqual(texts.map((text) => text.length));
    expect(calls.map((call) => call.body.input.length)).toEqual([64, 6]);
    expect(calls[0]).toMatchObject({ path: '/v1/embeddings', authorization: 'Bearer k', body: { model: 'm' } });
  });
});

describe('Ollama', () => {
  it('is asked by its own API', async () => {
    const url = await provider((call) => ({ status: 200, body: { embeddings: call.body.input.map(vectorOf) } }));
    const embedder = createEmbedder({ provider: 'ollama', url, model: 'nomic', dimension: 3 });
    const [vector] = await embedder.embed(['abc'], 'query', never);
    expect([...(vector ?? [])]).toEqual([3, 0, 1]);
    expect(calls[0]).toMatchObject({ path: '/api/embed', authorization: undefined, body: { model: 'nomic' } });
  });
});

describe('a provider that fails', () => {
  it('is asked again when it may pass', async () => {
    const url = await provider((call, n) => (n < 3 ? { status: n === 1 ? 503 : 429, body: '' } : openAiAnswer(call)));
    await expect(patient(url).embed(['a'], 'query', never)).resolves.toHaveLength(1);
    expect(calls).toHaveLength(3);
  });

  it('is given up after four attempts', async () => {
    const url = await provider(() => ({ status: 500, body: 'out of order' }));
    await expect(patient(url).embed(['a'], 'query', never)).rejects.toMatchObject({
      message: 'The embedding provider answered 500: out of order',
      retryable: true,
    });
    expect(calls).toHaveLength(4);
  });

  it('is not asked again when the request is at fault', async () => {
    const url = await provider(() => ({ status: 401, body: 'wrong key' }));
    await expect(patient(url).embed(['a'], 'query', never)).rejects.toMatchObject({ retryable: false });
    expect(calls).toHaveLength(1);
  });

  it('is left alone when it asks for a long pause, which the caller is told', async () => {
    const url = await provider(() => ({ status: 429, body: '', headers: { 'retry-after': '120' } }));
    await expect(patient(url).embed(['a'], 'query', never)).rejects.toMatchObject({ retryAfterMs: 120_000 });
    expect(calls).toHaveLength(1);
  });

  it('can be one that nobody reaches', async () => {
    const url = await provider(openAiAnswer);
    await new Promise((resolve) => server?.close(resolve));
    await expect(patient(url).embed(['a'], 'query', never)).rejects.toMatchObject({
      message: 'The embedding provider cannot be reached.',
      retryable: true,
    });
  });

  it.each([
    [{ data: [{ index: 0, embedding: [1, 2] }] }, 'answers 2 dimensions; 3 are configured'],
    [{ data: [] }, 'answered 0 vectors for 1 texts'],
    [{ data: [{ index: 0, embedding: 'AAAA' }] }, 'not a list of numbers'],
    [{ error: 'odd' }, 'answered no vectors'],
    ['<html>', 'did not answer in JSON'],
  ])('by answering %j is told so', async (body, complaint) => {
    const url = await provider(() => ({ status: 200, body }));
    await expect(patient(url).embed(['a'], 'query', never)).rejects.toThrow(complaint);
  });

  it('is not waited for after an abort', async () => {
    const stop = new AbortController();
    const url = await provider(() => {
      stop.abort(new Error('enough'));
      return { status: 503, body: '' };
    });
    await expect(patient(url).embed(['a'], 'query', stop.signal)).rejects.toThrow('enough');
  });
});

describe('retryAfterMs', () => {
  it.each([
    [null, undefined],
    ['7', 7000],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
    ['soon', undefined],
  ])('reads %j', (header, expected) => {
    expect(retryAfterMs(header, 1000)).toBe(expected);
  });
});
