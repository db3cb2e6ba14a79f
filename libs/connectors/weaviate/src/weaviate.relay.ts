import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Egress, TlsOptions } from '@morag/egress';

export interface RelayTarget {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions;
}

/** One connection to the server's gRPC port, for the SDK to use in place of one of its own. */
export interface Relay {
  /** Of the socket that leads to it; gone from the file system as soon as it was taken. */
  readonly path: string;
  /** Once the connection is over, however that came. */
  readonly over: Promise<Error>;
  close(): void;
}

/**
 * The SDK resolves the host by itself, as often as it likes, and takes neither a certificate authority nor a server
 * name. So the connection is made by the egress module, to an address that was checked, and the SDK gets the other end
 * of it: a socket in a folder of this account alone that takes one connection.
 */
export async function openRelay(target: RelayTarget, egress: Egress, signal: AbortSignal): Promise<Relay> {
  // Servers in Go hang up on a TLS client that does not name the protocol.
  const tls = target.tls && { ...target.tls, alpn: ['h2'] };
  const upstream = await egress.connect(target.host, target.port, { tls, signal });
  upstream.setNoDelay(true);
  const { promise: over, resolve: end } = Promise.withResolvers<Error>();
  upstream.once('error', end);
  upstream.once('close', () => end(new ConnectionOver()));
  try {
    const folder = await mkdtemp(join(tmpdir(), 'morag-grpc-'));
    const path = join(folder, 's');
    const removeSocket = () => {
      server.close();
      // What is left of it harms nobody: nobody listens there any more.
      rm(folder, { recursive: true, force: true }).catch(() => {});
    };
    const server = createServer((client) => {
      removeSocket();
      tie(client, upstream);
    });
    await listening(server, path);
    upstream.once('close', removeSocket);
    return { path, over, close: () => upstream.destroy() };
  } catch (error) {
    upstream.destroy();
    throw error;
  }
}

/** The server, or this side, closed the connection. */
class ConnectionOver extends Error {
  readonly code = 'ECONNRESET';
}

function tie(client: Socket, upstream: Socket): void {
  client.on('error', () => client.destroy());
  client.once('close', () => upstream.destroy());
  // Later than those who wait for `over`: they know the reason, where the SDK would only see the connection gone.
  upstream.once('close', () => setImmediate(() => client.destroy()));
  client.pipe(upstream, { end: false });
  upstream.pipe(client, { end: false });
  upstream.once('end', () => upstream.destroy());
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
