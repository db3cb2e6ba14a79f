import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';

/** One request and what a Qdrant 1.18.3 answered to it. */
export interface Exchange {
  readonly label: string;
  readonly method: string;
  readonly path: string;
  readonly auth: Readonly<Record<string, string>>;
  readonly status: number;
  readonly retryAfter?: string;
  readonly answer: unknown;
  /** One of these is the request's body; none of them: there was none. */
  readonly body?: unknown;
  readonly text?: string;
  readonly gzip?: string;
  readonly latin1?: string;
  readonly made?: Made;
}

/** A body that was too long to be kept, by how it was made; `bytes` are those that were counted then. */
interface Made {
  readonly kind: 'long' | 'lorem' | 'ids' | 'counted' | 'waves' | 'blocks';
  readonly from?: number;
  readonly bytes: number;
}

export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** All exchanges in their order. */
export function readRecording(): readonly Exchange[] {
  const lines = gunzipSync(readFileSync(new URL('./recording.jsonl.gz', import.meta.url))).toString();
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Exchange);
}

/** The request as it was sent. */
export function sentBy({ auth, body, text, gzip, latin1, made }: Exchange): Sent {
  if (gzip !== undefined) return { headers: { ...auth, 'content-encoding': 'gzip' }, body: gzipSync(gzip) };
  if (latin1 !== undefined) return { headers: auth, body: Buffer.from(latin1, 'latin1') };
  if (made) return { headers: auth, body: make(made) };
  return { headers: auth, body: text ?? (body === undefined ? undefined : JSON.stringify(body)) };
}

const LOREM = 'lorem ipsum '.repeat(5);

function make({ kind, from = 0, bytes }: Made): string {
  const body = JSON.stringify(BODIES[kind](from));
  if (kind === 'long') return body.replace('…', 'x'.repeat(bytes - body.length + 1));
  if (Buffer.byteLength(body) !== bytes) throw new Error(`made ${body.length} bytes of ${kind}, not ${bytes}`);
  return body;
}

const BODIES: Readonly<Record<Made['kind'], (from: number) => unknown>> = {
  long: () => ({ points: [{ id: 1, vector: [1, 1, 1, 1], payload: { t: '…' } }] }),
  lorem: () => ({
    points: list(20_000, (i) => ({ id: i + 1, vector: [i, 1, 2, 3], payload: { i, kw: `k${i % 10}`, txt: LOREM } })),
  }),
  ids: () => ({ filter: { must: [{ has_id: list(20_000, (i) => i + 1) }] }, exact: true }),
  counted: () => ({ points: list(50_000, (i) => ({ id: i, vector: [i, 1, 1, 1] })) }),
  waves: (from) => ({
    points: list(500, (i) => ({
      id: from + i,
      vector: list(128, (j) => Math.sin((from + i) * 131 + j * 7)),
      // Of the payload only its length is known.
      payload: { i: i % 10 },
    })),
  }),
  blocks: (from) => ({
    points: list(50, (i) => ({
      id: from + i,
      vector: list(256, (j) => from + i + j),
      payload: { t: 'x'.repeat(8_000) },
    })),
  }),
};

function list<T>(length: number, item: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => item(index));
}
