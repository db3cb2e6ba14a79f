import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { neo4j } from './index.ts';

const egress = createEgress({ allow: [], embedded: true });
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

/** A server that agrees on Bolt 5.4 and takes every login; what is asked then is answered by `behave`. */
async function connectorTo(behave: (socket: Socket) => void) {
  const success = Buffer.from('0003b170a00000', 'hex');
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.once('data', () => {
        socket.once('data', () => behave(socket));
        // To the greeting and to the login.
        socket.write(Buffer.concat([success, success]));
      });
      socket.write(Buffer.of(0, 0, 4, 5));
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const settings = { host: '127.0.0.1', port, tls: 'DISABLED', username: 'u', password: 'p', config: {} } as const;
  return neo4j.create(settings, neo4j.options.parse({ retries: 0 }), { egress });
}

describe('a hostile server', () => {
  it('is left as soon as its answer has no end', async () => {
    let sent = 0;
    const connector = await connectorTo((socket) => {
      // A chunk of 64 kB that belongs to a message which never ends.
      const chunk = Buffer.alloc(65_537, 0xff);
      const more = () => {
        while (!socket.destroyed) {
          sent += chunk.length;
          if (!socket.write(chunk)) return void socket.once('drain', more);
        }
      };
      more();
    });
    await expect(connector.ping({ timeoutMs: 60_000 })).rejects.toMatchObject({
      category: 'protocol',
      vendorCode: 'ANSWER_TOO_LARGE',
    });
    expect(sent).toBeLessThan(300 * 1024 * 1024);
    await connector.close();
  }, 90_000);

  it('that answers with nonsense is no Neo4j', async () => {
    const connector = await connectorTo((socket) => socket.end(Buffer.from('0003b1ffff0000', 'hex')));
    await expect(connector.ping({ timeoutMs: 5_000 })).rejects.toMatchObject({
      category: 'protocol',
    });
    await connector.close();
  });
});
