import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '@morag/embedded';

/** What happens to connections through the proxy. */
type Mode = { readonly kind: 'pass' | 'blackhole' | 'reset' } | { readonly kind: 'delay'; readonly ms: number };

/** A TCP proxy whose network can be broken. Open connections follow each change at once. */
export interface FaultProxy {
  readonly host: '127.0.0.1';
  /** Loopback; the same for the life of the proxy, also after `refuse`. */
  readonly port: number;
  /** Everything goes through, at once. */
  pass(): Promise<void>;
  /** Connections are accepted and stay open; no byte goes through, in either direction. */
  blackhole(): Promise<void>;
  /** Open connections are reset, new ones refused. */
  refuse(): Promise<void>;
  /** Open connections are reset, new ones accepted and reset. */
  reset(): Promise<void>;
  /** Everything goes through, so much later. */
  delay(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy in front of a server. */
export async function createFaultProxy(target: { host?: string; port: number }): Promise<FaultProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let mode: Mode = { kind: 'pass' };

  const accept = (client: Socket): void => {
    if (mode.kind === 'reset') {
      client.resetAndDestroy();
      return;
    }
    const server = createConnection({ host: target.host ?? '127.0.0.1', port: target.port });
    const pair = [client, server] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    forward(client, server, () => mode);
    forward(server, client, () => mode);
    if (mode.kind === 'blackhole') for (const socket of pair) socket.pause();
  };

  const listener = createServer(accept);
  // While it refuses nobody else may be given its port.
  const port = await listen(listener, await freePort());
  const change = async (next: Mode): Promise<void> => {
    mode = next;
    if (!listener.listening) await listen(listener, port);
    for (const socket of [...pairs].flat()) {
      if (next.kind === 'blackhole') socket.pause();
      else socket.resume();
    }
  };
  const cut = (): void => {
    for (const [client, server] of pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
    pairs.clear();
  };
  const stopListening = (): Promise<void> =>
    new Promise((resolve) => {
      listener.close(() => resolve());
      cut();
    });

  return {
    host: '127.0.0.1',
    port,
    pass: () => change({ kind: 'pass' }),
    blackhole: () => change({ kind: 'blackhole' }),
    delay: (ms) => change({ kind: 'delay', ms }),
    async reset() {
      await change({ kind: 'reset' });
      cut();
    },
    refuse: stopListening,
    close: stopListening,
  };
}

/** Keeps the order of bytes under a delay: timers of one length fire in the order they were set. */
function forward(from: Socket, to: Socket, mode: () => Mode): void {
  from.on('data', (chunk) => {
    const now = mode();
    if (now.kind === 'delay') setTimeout(() => to.writable && to.write(chunk), now.ms);
    else to.write(chunk);
  });
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
