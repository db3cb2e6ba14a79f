import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** How every HTTP/2 connection that was agreed on beforehand begins. */
const HTTP2_PREFACE = 'PRI';

/** A server's two ports as one, so that what a case puts before the one port is before both. */
export interface OnePort {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on loopback; leads HTTP/2, which is gRPC, to one port of the host, and everything else to the other. */
export async function onePortFor(target: { host: string; port: number; grpcPort: number }): Promise<OnePort> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const server = createServer((client) => {
    keep(client).once('data', (first: Buffer) => {
      const port = first.toString('latin1', 0, HTTP2_PREFACE.length) === HTTP2_PREFACE ? target.grpcPort : target.port;
      const upstream = keep(connect(port, target.host)).setNoDelay(true);
      client.setNoDelay(true);
      upstream.write(first);
      client.pipe(upstream);
      upstream.pipe(client);
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
