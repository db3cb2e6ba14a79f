import { request } from 'node:http';
import type { QdrantStandIn } from '../../src/index.ts';
import { difference } from './compare.ts';
import { leftOut } from './left-out.ts';
import { type Exchange, readRecording, type Sent, sentBy } from './recording.ts';
import { UNRECORDED } from './unrecorded.ts';

/** The keys of the server that was recorded. */
const KEYS = { apiKey: 'lab-key', readOnlyKey: 'lab-ro-key' };

/** The server that was recorded. Its clock stands still: a second later, its limits of rates would say something else. */
export const RECORDED = { ...KEYS, now: () => 0 };

export const recording = readRecording();

interface Received {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly answer: unknown;
}

/** Everything that a stand-in answers otherwise than the real server did, from one place of the recording to another. */
export async function replay(standIn: QdrantStandIn, from: number, to: number): Promise<string[]> {
  const wrong: string[] = [];
  for (let place = from; place < to; place++) {
    await prepare(standIn, place);
    const problem = leftOut(place) ? undefined : await repeat(standIn, place);
    if (problem) wrong.push(problem);
  }
  return wrong;
}

async function prepare(standIn: QdrantStandIn, place: number): Promise<void> {
  for (const step of UNRECORDED[place] ?? []) {
    if (typeof step === 'number') {
      const again = recording[step] as Exchange;
      await send(standIn, again.method, again.path, sentBy(again));
    } else {
      const body = step.body === undefined ? undefined : JSON.stringify(step.body);
      await send(standIn, step.method, step.path, { headers: { 'api-key': KEYS.apiKey }, body });
    }
  }
}

/** What is wrong with the stand-in's answer, or undefined. */
async function repeat(standIn: QdrantStandIn, place: number): Promise<string | undefined> {
  const exchange = recording[place] as Exchange;
  const { label, method, path, status, retryAfter, answer } = exchange;
  const received = await send(standIn, method, path, sentBy(exchange));
  let wrong: string | undefined;
  if (received.status !== status) wrong = `status ${received.status} for ${status}`;
  else if (received.retryAfter !== retryAfter) wrong = `retry-after ${received.retryAfter} for ${retryAfter}`;
  else wrong = difference(received.answer, answer);
  return wrong && `${place} (${label}) ${method} ${path.slice(0, 80)}: ${wrong}`;
}

/** As bare as can be: `fetch` would tidy up paths, methods and headers that are there to be refused. */
function send({ host, port }: QdrantStandIn, method: string, path: string, { headers, body }: Sent): Promise<Received> {
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sending = request({ host, port, method, path, headers: { ...headers, ...length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const retryAfter = response.headers['retry-after'];
        const answer = parsed(Buffer.concat(chunks).toString());
        resolve({ status: response.statusCode ?? 0, retryAfter, answer });
      });
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
