import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createEgress } from '@morag/egress';
import type { ServerAddress } from '../server/server.ts';
import { createRegistryVendors } from './registry-vendors.ts';
import type { Lifeline } from './vendors.ts';

describe('a lifeline', () => {
  let server: Server;
  let sockets: Socket[];
  let line: Lifeline | undefined;

  beforeEach(async () => {
    [sockets, line] = [[], undefined];
    server = createServer((socket) => void sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    line?.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  /** Opens one; ends when the server has it. */
  async function open(allow: readonly string[] = ['127.0.0.0/8']) {
    const vendors = createRegistryVendors(createEgress({ allow, embedded: false }));
    const { port } = server.address() as AddressInfo;
    const address: ServerAddress = { type: 'WEAVIATE', host: '127.0.0.1', port, ...REST };
    const connected = once(server, 'connection');
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const ended = jest.fn(resolve);
    line = await vendors.openLifeline(address, ended, AbortSignal.timeout(20_000));
    await connected;
    return { ended, end };
  }

  it('ends with the server’s side of it', async () => {
    const { ended, end } = await open();
    expect(ended).not.toHaveBeenCalled();
    sockets[0]?.destroy();
    await end;
  });

  it('ends when the server says anything: it was not asked, and might never stop', async () => {
    const { ended, end } = await open();
    sockets[0]?.write('hello');
    await end;
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it('says nothing', async () => {
    await open();
    const [socket] = sockets;
    const said = jest.fn();
    socket?.on('data', said);
    const closed = once(socket ?? server, 'close');
    line?.close();
    await closed;
    expect(said).not.toHaveBeenCalled();
  });

  it('goes where the rules for user-given hosts let it go alone', async () => {
    await expect(open([])).rejects.toMatchObject({ name: 'EgressDenied' });
  });
});

const REST = { tls: 'DISABLED', username: '', database: '', config: {} } as const;
