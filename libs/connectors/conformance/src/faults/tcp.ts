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
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Lets one byte of each answer through at a time. */
  | { readonly kind: 'drip'; readonly everyMs: number }
  /** Connections that are open go silent for good, without a word to either side; new ones work. */
  | { readonly kind: 'halfOpen' };

/** What would drip later than any test waits is not worth a timer. */
const DRIPS_MAX = 1_000;

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

/** Stands between a connector and a real server. */
export async function proxyTo(target: { host: string; port: number }): Promise<FaultProxy> {
  let fault: Fault = { kind: 'none' };
  const silenced = new WeakSet<Socket>();
  const open = new Set<Socket>();
  const listener = await listen((client) => {
    open.add(client);
    client.once('close', () => open.delete(client));
    const upstream = connect(target.port, target.host);
    upstream.on('error', () => client.destroy());
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => silenced.has(client) || client.end());
    const answer = answering(client);
    client.on('data', (chunk: Buffer) => {
      if (fault.kind !== 'blackHole' && !silenced.has(client)) upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (!silenced.has(client)) answer(chunk, fault);
    });
  });
  return {
    ...listener,
    set(next) {
      fault = next;
      if (next.kind === 'halfOpen') for (const client of open) silenced.add(client);
    },
  };
}

/** Passes pieces of an answer on, as the fault of the moment lets them. */
function answering(client: Socket): (chunk: Buffer, fault: Fault) => void {
  let answered = 0;
  /** When the last piece that is held back goes out; none overtakes it, as none does on a real connection. */
  let heldUntil = 0;
  const timers = new Set<NodeJS.Timeout>();
  client.once('close', () => {
    for (const timer of timers) clearTimeout(timer);
  });
  const at = (due: number, piece: Buffer) => {
    heldUntil = due;
    timers.add(setTimeout(() => client.writable && client.write(piece), due - performance.now()));
  };
  return (chunk, fault) => {
    answered += chunk.length;
    switch (fault.kind) {
      case 'none':
      case 'halfOpen':
        if (heldUntil > performance.now()) at(heldUntil, chunk);
        else client.write(chunk);
        break;
      case 'slow':
        at(Math.max(heldUntil, performance.now() + fault.delayMs), chunk);
        break;
      case 'drip':
        for (const byte of chunk.subarray(0, DRIPS_MAX)) {
          at(Math.max(heldUntil, performance.now()) + fault.everyMs, Buffer.of(byte));
        }
        break;
      case 'reset':
        if (answered > fault.afterBytes) client.resetAndDestroy();
        else client.write(chunk);
        break;
      case 'blackHole':
        break;
    }
  };
}
