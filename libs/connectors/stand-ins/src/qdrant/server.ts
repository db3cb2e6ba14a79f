import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { Database } from './database.ts';
import { Failure, wrongInput } from './failure.ts';
import type { QdrantFault } from './faults.ts';
import { stringify } from './json.ts';
import { checkAccess, findRoute } from './routes.ts';

export interface QdrantStandInOptions {
  /** Asked for when it is given. */
  readonly apiKey?: string;
  /** Good for reads alone. */
  readonly readOnlyKey?: string;
  /** Any free one when absent. */
  readonly port?: number;
  /** Of the server that is stood in for. */
  readonly version?: string;
}

/** A server on loopback that answers as Qdrant does over REST. */
export interface QdrantStandIn {
  readonly host: string;
  readonly port: number;
  readonly version: string;
  /** Undefined: all is well. */
  setFault(fault: QdrantFault | undefined): void;
  /** Ends every connection at once and answers again on the same port, with what it held. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const VERSION = '1.18.3';
const BODY_BYTES_MAX = 32 * 1024 * 1024;
const KEEP_ALIVE_MS = 5_000;
const TEXT = 'text/plain; charset=utf-8';
/** Answered to everyone, whatever the key. */
const PROBES: Readonly<Record<string, string>> = {
  '/healthz': 'healthz check passed',
  '/livez': 'healthz check passed',
  '/readyz': 'all shards are ready',
};

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly type?: string;
  readonly retryAfterSeconds?: number;
}

/** Starts it, with no collections. */
export async function startQdrantStandIn(options: QdrantStandInOptions = {}): Promise<QdrantStandIn> {
  const database = new Database();
  const version = options.version ?? VERSION;
  let fault: QdrantFault | undefined;
  let server = await listen(handle, options.port ?? 0);
  const { port } = server.address() as AddressInfo;

  function handle(request: IncomingMessage, response: ServerResponse): void {
    respond(request, response).catch((error: unknown) => response.destroy(error as Error));
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const current = fault;
    if (current?.kind === 'slow') await delay(current.delayMs, undefined, { ref: false });
    const answer = current?.kind === 'status' ? troubled(current) : answerTo(request, body, current);
    send(request, response, answer, current);
  }

  function answerTo(request: IncomingMessage, raw: Buffer, current: QdrantFault | undefined): Answer {
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', 'http://localhost');
    const path = url.pathname.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
    if (method === 'GET' && path === '/') return json(200, { title: 'qdrant - vector search engine', version });
    if (method === 'GET' && PROBES[path]) return { status: 200, body: PROBES[path], type: TEXT };
    if (method === 'OPTIONS') return { status: 200 };
    const refused = refusal(headers, options);
    if (refused) return { status: 401, body: refused };
    const found = findRoute(method, path);
    if (!found) return { status: 404 };
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    try {
      checkSize(raw);
      const { route, parts } = found;
      checkAccess(route, keyOf(headers) === options.readOnlyKey && options.readOnlyKey !== undefined);
      if (route.access !== 'read') checkDisk(current);
      const body = decode(raw, headers['content-encoding']);
      const result = route.run({ database, parts, query: url.searchParams, body });
      if (current?.kind === 'wrongDimension' && /points/.test(path)) throw wrongDimension();
      const shown =
        current?.kind === 'putOff' && route.access === 'write' ? { operation_id: 1, status: 'wait_timeout' } : result;
      return json(200, { result: shown, status: 'ok', time: seconds() });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const answer = json(error.status, { status: { error: error.message }, time: seconds() });
      return { ...answer, retryAfterSeconds: error.retryAfterSeconds };
    }
  }

  return {
    host: '127.0.0.1',
    port,
    version,
    setFault: (next) => void (fault = next),
    async restart() {
      await close(server);
      server = await listen(handle, port);
    },
    stop: () => close(server),
  };
}

async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  port: number,
): Promise<Server> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handle);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
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

function keyOf(headers: IncomingMessage['headers']): string | undefined {
  const key = headers['api-key'];
  if (typeof key === 'string') return key;
  return headers.authorization?.startsWith('Bearer ') ? headers.authorization.slice('Bearer '.length) : undefined;
}

/** Why a request is not let in. A server without a key asks for none, and looks at none. */
function refusal(
  headers: IncomingMessage['headers'],
  { apiKey, readOnlyKey }: QdrantStandInOptions,
): string | undefined {
  if (apiKey === undefined) return undefined;
  const key = keyOf(headers);
  if (key === undefined) return 'Must provide an API key or an Authorization bearer token';
  return key === apiKey || key === readOnlyKey ? undefined : 'Invalid API key or JWT';
}

function troubled({ status, retryAfterSeconds }: Extract<QdrantFault, { kind: 'status' }>): Answer {
  return { ...json(status, { status: { error: 'Service internal error: trouble' }, time: 0 }), retryAfterSeconds };
}

function json(status: number, value: unknown): Answer {
  return { status, body: stringify(value), type: 'application/json' };
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, body = '', type, retryAfterSeconds }: Answer,
  fault: QdrantFault | undefined,
): void {
  const bytes = Buffer.from(body);
  const headers: Record<string, string | number> = { 'content-length': bytes.length };
  if (type) headers['content-type'] = type;
  if (retryAfterSeconds !== undefined) headers['retry-after'] = retryAfterSeconds;
  response.writeHead(status, headers);
  if (fault?.kind !== 'truncated') response.end(method === 'HEAD' ? undefined : bytes);
  else response.write(bytes.subarray(0, fault.afterBytes), () => response.destroy());
}
