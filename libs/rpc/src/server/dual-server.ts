import * as http from 'node:http';
import * as http2 from 'node:http2';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TlsMaterial } from '../tls/tls-material.ts';
import type { NodeRequest, NodeResponse } from './probes.ts';

/** See createDualServer. */
export interface DualServerOptions {
  readonly handler: (req: NodeRequest, res: NodeResponse) => void;
  /** Time for the first bytes of a connection, and then for the head of each HTTP/1.1 request. */
  readonly headerTimeoutMs: number;
  /** Time for a whole HTTP/1.1 request, body included. */
  readonly requestTimeoutMs: number;
  /** Time after which a silent HTTP/2 connection is closed. */
  readonly idleTimeoutMs?: number;
  /** Speaks TLS on every connection; clear text unless given. */
  readonly tls?: TlsMaterial;
}

/** One port for HTTP/1.1 and for HTTP/2 with prior knowledge, or agreed on in the handshake of TLS. */
export interface DualServer {
  listen(port: number, host: string): Promise<{ port: number }>;
  /**
   * Takes no more connections and says so to HTTP/2 clients. HTTP/1.1 connections stay for now: closing an idle one would
   * fail the request that its client may be sending just then.
   */
  drain(): void;
  /** Whether HTTP/1.1 connections are open. */
  hasHttp1Connections(): boolean;
  /** Ends every connection; what has not gone within the time is cut. */
  close(timeoutMs: number): Promise<void>;
}

// Longer than clients keep an idle connection, so that a client never sends into one that closes at that moment.
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const IDLE_TIMEOUT_MS = 300_000;
const PROTOCOLS = ['h2', 'http/1.1'];
const HTTP2_SETTINGS = { maxConcurrentStreams: 1_000, initialWindowSize: 1024 * 1024 };

/**
 * The HTTP/1.1 server listens, so that its timeouts and its list of idle connections work as documented; its sockets are
 * handed to the HTTP/2 server when they open with that protocol's preface.
 */
export function createDualServer(options: DualServerOptions): DualServer {
  const { handler, headerTimeoutMs, requestTimeoutMs, idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
  const h1 = http.createServer(
    {
      headersTimeout: headerTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: headerTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    handler,
  );
  const h2 = http2.createServer({ settings: HTTP2_SETTINGS }, handler);
  const { sockets, http1Sockets } = splitByProtocol(h1, h2, options);
  const sessions = new Set<http2.ServerHttp2Session>();
  const closed = new Promise<void>((resolve) => h1.once('close', resolve));
  h2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // Says goodbye; streams that are open, but still, stay until they end.
    session.setTimeout(idleTimeoutMs, () => session.close());
  });
  // Broken frames and resets are the client's doing; the session is closed by then.
  h2.on('sessionError', () => {});

  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        h1.once('error', reject);
        h1.listen(port, host, () => {
          h1.off('error', reject);
          resolve({ port: (h1.address() as AddressInfo).port });
        });
      }),
    drain() {
      // Not the method of http.Server, which closes idle connections as well.
      NetServer.prototype.close.call(h1);
      for (const session of sessions) session.close();
    },
    hasHttp1Connections: () => http1Sockets.size > 0,
    async close(timeoutMs) {
      h1.close();
      for (const session of sessions) session.close();
      // What is left is between its last response and its end; `end` lets the response out first.
      for (const socket of http1Sockets) socket.end();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, timeoutMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Takes the place of the HTTP/1.1 server's own connection listener, and keeps the open sockets. */
function splitByProtocol(h1: http.Server, h2: http2.Http2Server, options: DualServerOptions) {
  const sockets = new Set<Socket>();
  const http1Sockets = new Set<Socket>();
  const [serveHttp1] = h1.listeners('connection') as ((this: http.Server, socket: Socket) => void)[];
  if (serveHttp1 === undefined) throw new Error('this Node.js has no HTTP/1.1 connection listener to hand sockets to');
  h1.removeAllListeners('connection');
  const serve = (socket: Socket): void => {
    socket.once('close', () => http1Sockets.delete(socket));
    sniff(socket, options.headerTimeoutMs, (isHttp2) => {
      if (isHttp2) {
        // HTTP/1.1 needs half-open sockets, HTTP/2 sessions would outlive their client by them.
        socket.allowHalfOpen = false;
        h2.emit('connection', socket);
      } else {
        http1Sockets.add(socket);
        serveHttp1.call(h1, socket);
      }
    });
  };
  const accept = options.tls ? secured(options.tls, options.headerTimeoutMs, serve) : serve;
  h1.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    accept(socket);
  });
  return { sockets, http1Sockets };
}

/** Leads connections through the handshake of TLS, under the certificates as they are at that moment. */
function secured(
  tls: TlsMaterial,
  handshakeTimeout: number,
  serve: (socket: Socket) => void,
): (socket: Socket) => void {
  const server = createTlsServer({ ...tls.server(), ALPNProtocols: PROTOCOLS, handshakeTimeout });
  tls.onChange(() => server.setSecureContext(tls.server()));
  server.on('secureConnection', serve);
  // The client's doing: clear text, no common version, no certificate. Its connection is closed by then.
  server.on('tlsClientError', () => {});
  return (socket) => void server.emit('connection', socket);
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
// No HTTP/1.1 method begins with these bytes.
const TELLING_BYTES = 3;

/** Reads just enough of a new connection to know its protocol, and puts it back. */
function sniff(socket: Socket, timeoutMs: number, done: (isHttp2: boolean) => void): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const onError = (): void => void socket.destroy();
  const settle = (): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('close', settle);
  };
  let head: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const length = Math.min(head.length, TELLING_BYTES);
    const matches = head.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (matches && length < TELLING_BYTES) return;
    settle();
    socket.off('error', onError);
    socket.unshift(head);
    done(matches);
  };
  socket.on('error', onError);
  socket.on('readable', onReadable);
  socket.once('close', settle);
}
