import type { IncomingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import type { Database } from './database.ts';
import { Failure, wrongInput } from './failure.ts';
import type { QdrantFault } from './faults.ts';
import { stringify } from './json.ts';
import { checkAccess, findRoute } from './routes.ts';

/** What a server knows of itself when it answers. */
export interface Answering {
  readonly database: Database;
  readonly version: string;
  readonly apiKey?: string;
  readonly readOnlyKey?: string;
  readonly fault: QdrantFault | undefined;
}

export interface Asked {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly type?: string;
  readonly retryAfterSeconds?: number;
}

const BODY_BYTES_MAX = 32 * 1024 * 1024;
const TEXT = 'text/plain; charset=utf-8';
/** Answered to everyone, whatever the key. */
const PROBES: Readonly<Record<string, string>> = {
  '/healthz': 'healthz check passed',
  '/livez': 'healthz check passed',
  '/readyz': 'all shards are ready',
};

/** Paths are tidied up, then the key is looked at, then whether there is anything: without one all is 401. */
export function answer(asked: Asked, server: Answering): Answer {
  const { method, headers } = asked;
  const [target = '/', search = ''] = asked.target.split('?', 2);
  const path = target.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  if (method === 'GET' && path === '/') {
    return json(200, { title: 'qdrant - vector search engine', version: server.version });
  }
  if (method === 'GET' && PROBES[path]) return { status: 200, body: PROBES[path], type: TEXT };
  if (method === 'OPTIONS') return { status: 200 };
  const refused = refusal(headers, server);
  return refused ? { status: 401, body: refused } : routed(asked, path, new URLSearchParams(search), server);
}

/** In trouble every answer is the same. */
export function troubled({ status, retryAfterSeconds }: Extract<QdrantFault, { kind: 'status' }>): Answer {
  return { ...json(status, { status: { error: 'Service internal error: trouble' }, time: 0 }), retryAfterSeconds };
}

function routed(asked: Asked, path: string, query: URLSearchParams, server: Answering): Answer {
  const found = findRoute(asked.method, path);
  if (!found) return { status: 404 };
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const { route, parts } = found;
  const { database, readOnlyKey, fault } = server;
  try {
    checkSize(asked.body);
    checkAccess(route, readOnlyKey !== undefined && keyOf(asked.headers) === readOnlyKey);
    if (route.access !== 'read') checkDisk(fault);
    const body = decode(asked.body, asked.headers['content-encoding']);
    const result = route.run({ database, parts, query, body });
    if (fault?.kind === 'wrongDimension' && parts.length > 0) throw wrongDimension();
    const putOff = fault?.kind === 'putOff' && route.access === 'write';
    const shown = putOff ? { operation_id: 1, status: 'wait_timeout' } : result;
    return json(200, { result: shown, status: 'ok', time: seconds() });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const refused = json(error.status, { status: { error: error.message }, time: seconds() });
    return { ...refused, retryAfterSeconds: error.retryAfterSeconds };
  }
}

function decode(raw: Buffer, encoding: string | undefined): string {
  const plain = encoding === 'gzip' ? gunzipSync(raw) : raw;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
  } catch {
    throw new Failure(400, 'Format error in JSON body: invalid unicode code point');
  }
}

function checkSize(raw: Buffer): void {
  if (raw.length <= BODY_BYTES_MAX) return;
  throw new Failure(400, `JSON payload (${raw.length} bytes) is larger than allowed (limit: ${BODY_BYTES_MAX} bytes).`);
}

function checkDisk(fault: QdrantFault | undefined): void {
  if (fault?.kind !== 'diskFull') return;
  throw new Failure(
    500,
    'Service internal error: No space left on device: WAL buffer size exceeds available disk space',
  );
}

function wrongDimension(): Failure {
  return wrongInput('Vector dimension error: expected dim: 3, got 4');
}

/** `api-key` counts before a bearer token. */
function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['api-key'];
  if (typeof key === 'string') return key;
  return headers.authorization?.startsWith('Bearer ') ? headers.authorization.slice('Bearer '.length) : undefined;
}

/** Why a request is not let in. A server without a key asks for none, and looks at none. */
function refusal(headers: IncomingHttpHeaders, { apiKey, readOnlyKey }: Answering): string | undefined {
  if (apiKey === undefined) return undefined;
  const key = keyOf(headers);
  if (key === undefined) return 'Must provide an API key or an Authorization bearer token';
  return key === apiKey || key === readOnlyKey ? undefined : 'Invalid API key or JWT';
}

function json(status: number, value: unknown): Answer {
  return { status, body: stringify(value), type: 'application/json' };
}
