import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, answer, troubled } from './answer.ts';
import { Database } from './database.ts';
import type { QdrantFault } from './faults.ts';

export interface QdrantStandInOptions {
  /** Asked for when it is given. */
  readonly apiKey?: string;
  /** Good for reads alone. */
  readonly readOnlyKey?: string;
  /** Any free one when absent. */
  readonly port?: number;
  /** Of the server that is stood in for. */
  readonly version?: string;
  /** Milliseconds since whenever, for limits of rates; those of this process when absent. */
  readonly now?: () => number;
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
const KEEP_ALIVE_MS = 5_000;

/** Starts it, with no collections. */
export async function startQdrantStandIn(options: QdrantStandInOptions = {}): Promise<QdrantStandIn> {
  const { apiKey, readOnlyKey, version = VERSION, now = () => performance.now() } = options;
  const database = new Database(now);
  let fault: QdrantFault | undefined;
  let server = await listen(handle, options.port ?? 0);
  const { port } = server.address() as AddressInfo;

  function handle(request: IncomingMessage, response: ServerResponse): void {
    respond(request, response).catch((error: unknown) => response.destroy(error as Error));
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: target = '/', headers } = request;
    const body = await readAll(request);
    const current = fault;
    if (current?.kind === 'truncated' && current.once) fault = undefined;
    if (current?.kind === 'slow') await delay(current.delayMs, undefined, { ref: false });
    const given =
      current?.kind === 'status'
        ? troubled(current)
        : answer({ method, target, headers, body }, { database, version, apiKey, readOnlyKey, fault: current });
    send(method, response, given, current);
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

function send(
  method: string,
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
