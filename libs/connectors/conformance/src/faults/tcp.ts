import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to what the server sends back. */
export type Fault =
  | { readonly kind: 'none' }
  /** Takes connections and never answers. */
  | { readonly kind: 'blackHole' }
  /** Resets every connection after so many bytes of answers. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Holds every piece of an answer back. */
  | { readonly kind: 'slow'; readonly delayMs: number };

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Once no connection is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface FaultProxy extends Listener {
  /** For new connections and for what comes next on old ones. */
  set(fault: Fault): void;
}

/** A TCP server on loopback that hands each connection to `behave`. */
export async function listen(behave: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) server.emit('idle');
    });
    // Faults end connections in every way there is; none of them is this program's failure.
    socket.on('error', () => socket.destroy());
    behave(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    async idle() {
      if (sockets.size > 0) await once(server, 'idle');
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** A port where nothing listens. */
export async function closedPort(): Promise<number> {
  const { port, close } = await listen(() => {});
  await close();
  return port;
}

/** Stands between a connector and a real server. */
export async function proxyTo(target: { host: string; port: number }): Promise<FaultProxy> {
  let fault: Fault = { kind: 'none' };
  const listener = await listen((client) => {
    const upstream = connect(target.port, target.host);
    upstream.on('error', () => client.destroy());
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.end());
    let answered = 0;
    client.on('data', (chunk) => {
      if (fault.kind !== 'blackHole') upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      answered += chunk.length;
      if (fault.kind === 'none') client.write(chunk);
      else if (fault.kind === 'slow') setTimeout(() => client.writable && client.write(chunk), fault.delayMs).unref();
      else if (fault.kind === 'reset' && answered > fault.afterBytes) client.resetAndDestroy();
      else if (fault.kind === 'reset') client.write(chunk);
    });
  });
  return { ...listener, set: (next) => void (fault = next) };
}
