import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Listener {
  readonly port: number;
  readonly authority: string;
  /** Again on the same port, after a close. */
  listen(): Promise<void>;
  /** Breaks all connections. */
  close(): Promise<void>;
}

/** The hosts that indexes are served at: for each name a port of its own, also after the index is made anew. */
export class IndexHosts {
  readonly #handle: RequestListener;
  readonly #byName = new Map<string, Promise<Listener>>();
  readonly #names = new Map<string, string>();

  constructor(handle: RequestListener) {
    this.#handle = handle;
  }

  async hostOf(name: string): Promise<string> {
    const opened = this.#byName.get(name) ?? openListener(this.#handle);
    this.#byName.set(name, opened);
    const { authority } = await opened;
    this.#names.set(authority, name);
    return authority;
  }

  /** The name of the index that this Host header asks for. */
  nameAt(authority: string | undefined): string | undefined {
    return this.#names.get(authority ?? '');
  }

  all(): Promise<Listener[]> {
    return Promise.all(this.#byName.values());
  }
}

export async function openListener(handle: RequestListener): Promise<Listener> {
  let server: Server;
  let port = 0;
  const listen = async () => {
    server = createServer(handle);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  await listen();
  return {
    port,
    authority: `127.0.0.1:${port}`,
    listen,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
