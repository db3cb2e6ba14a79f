import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type Installation, newInstallation } from '@morag/testing';
import pg from 'pg';
import { restClient } from './clients.ts';
import { mulberry32, quantile } from './paired.ts';
import { type Line, numberLine } from './report.ts';

const DIMENSION = 384;
const SMALL = 1_000;
/** Fewer for a quick look: MORAG_BENCH_CHUNKS. */
const LARGE = Number(process.env.MORAG_BENCH_CHUNKS ?? 100_000);
const SEARCHES = 200;
/** Characters of a generated document: about this many chunks of the usual size. */
const CHUNKS_PER_DOCUMENT = 500;
const CHARACTERS_PER_CHUNK = 600;

interface DatabaseBody {
  readonly id: string;
}

/**
 * Q3: a whole hybrid search, the built-in model's embedding of the question included, over many chunks and over few. The
 * chunks are embedded by a stand-in that answers at once, since what embedding costs is another benchmark's matter; the
 * system is then started again with the built-in model.
 */
export async function searchBenchmark(): Promise<Line[]> {
  const stub = await startEmbedderStub();
  const env: Record<string, string> = {
    MORAG_EMBEDDER: 'openai',
    MORAG_EMBEDDER_URL: stub.url,
    MORAG_EMBEDDER_MODEL: 'stand-in',
    MORAG_EMBEDDER_DIMENSION: String(DIMENSION),
  };
  const installation = await newInstallation(env);
  try {
    await installation.start();
    const small = await fill(installation, 'small', SMALL);
    const large = await fill(installation, 'large', LARGE);
    await forgetModel(installation);
    await installation.stop();
    for (const name of Object.keys(env)) delete env[name];
    await installation.start();
    const few = await medianSearch(installation, small.id);
    const many = await medianSearch(installation, large.id);
    return [
      numberLine('Q3', `search p50 over ${large.chunks} chunks / over ${small.chunks}`, many / few, 3),
      numberLine('Q3', `search p50 over ${large.chunks} chunks, embedding included`, many, 60, 'ms'),
    ];
  } finally {
    await installation.remove();
    stub.close();
  }
}

async function fill(installation: Installation, name: string, chunks: number): Promise<{ id: string; chunks: number }> {
  const { servers } = (await installation.call<{ servers: { id: string }[] }>('GET', '/v1/servers')).body;
  const body = { name, dimension: DIMENSION, serverId: servers[0]?.id };
  const { id } = (await installation.call<DatabaseBody>('POST', '/v1/databases', body)).body;
  const documents = Math.ceil(chunks / CHUNKS_PER_DOCUMENT);
  const random = mulberry32(chunks);
  for (let number = 0; number < documents; number += 1) {
    await upload(installation, id, `${name}-${number}.txt`, makeText(random, Math.min(CHUNKS_PER_DOCUMENT, chunks)));
  }
  const path = `/v1/databases/${id}/documents:statistics`;
  return { id, chunks: (await installation.call<{ chunkCount: number }>('GET', path)).body.chunkCount };
}

async function upload(installation: Installation, databaseId: string, name: string, text: string): Promise<void> {
  const headers = { authorization: `Bearer ${await installation.token()}` };
  const form = new FormData();
  form.append('file', new Blob([text]), name);
  const url = `${installation.gateway}/v1/databases/${databaseId}/documents:upload`;
  const { jobId } = (await (await fetch(url, { method: 'POST', headers, body: form })).json()) as { jobId: string };
  const events = await (await fetch(`${installation.gateway}/v1/jobs/${jobId}:watch`, { headers })).text();
  if (!events.includes('"FINISHED"')) throw new Error(`${name} was not ingested: ${events.slice(-300)}`);
}

/** The vectors are the stand-in's; a system that knew would refuse to compare the built-in model's questions with them. */
async function forgetModel({ folder, ports }: Installation): Promise<void> {
  const password = readFileSync(join(folder, 'keys', 'postgres.password'), 'utf8').trim();
  const client = new pg.Client({
    host: '127.0.0.1',
    port: ports.postgres,
    user: 'postgres',
    password,
    database: 'morag',
  });
  await client.connect();
  await client.query('update documents.document_counters set embedding = null');
  await client.end();
}

async function medianSearch(installation: Installation, databaseId: string): Promise<number> {
  const rest = restClient(installation.gateway, await installation.token());
  const random = mulberry32(3);
  const times: number[] = [];
  for (let number = 0; number < SEARCHES + 20; number += 1) {
    const query = `How do I ${word(random)} the ${word(random)} of a ${word(random)} ${word(random)}?`;
    const begun = performance.now();
    const answer = await rest.call<{ hits: unknown[]; degraded: boolean }>(
      'POST',
      `/v1/databases/${databaseId}:search`,
      { query, topK: 10 },
    );
    if (answer.hits.length !== 10 || answer.degraded) throw new Error('the answer is not whole');
    if (number >= 20) times.push(performance.now() - begun);
  }
  await rest.close();
  return quantile(times, 0.5);
}

/** Speaks the embeddings API of OpenAI: a direction that follows from the text. */
async function startEmbedderStub(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { input } = JSON.parse(Buffer.concat(chunks).toString()) as { input: string[] };
      const data = input.map((text, index) => ({ object: 'embedding', index, embedding: directionOf(text) }));
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ object: 'list', data, model: 'stand-in' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/v1`, close: () => void server.close() };
}

function directionOf(text: string): number[] {
  let seed = 0;
  for (let index = 0; index < text.length; index += 7) seed = (seed * 31 + text.charCodeAt(index)) | 0;
  const random = mulberry32(seed);
  const vector = Array.from({ length: DIMENSION }, () => random() - 0.5);
  const norm = Math.hypot(...vector);
  return vector.map((value) => Math.fround(value / norm));
}

/** Words as frequent as in a language: the n-th comes 1/n as often as the first. */
function word(random: () => number): string {
  const rank = Math.floor(20_000 ** random());
  return `${['ka', 'lo', 'mi', 'ne', 'ru', 'ta'][rank % 6]}${rank.toString(36)}`;
}

function makeText(random: () => number, chunks: number): string {
  const paragraphs = Array.from({ length: chunks }, () => {
    const words = Array.from({ length: CHARACTERS_PER_CHUNK / 6 }, () => word(random));
    return `${words.join(' ')}.`;
  });
  return paragraphs.join('\n\n');
}
