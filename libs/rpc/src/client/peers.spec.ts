import { once } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { as, type HostFixture, SERVER_ID, startHost } from '../../test/fixture.ts';
import { openPeers } from './peers.ts';

let near: HostFixture;
let far: HostFixture;
/** Told when the far service has taken a call that it does not answer. */
const waiting = new EventTarget();

const named = (name: string) => create(ServerSchema, { id: SERVER_ID, name });

beforeAll(async () => {
  near = await startHost({ server: { getServer: () => named('near') } });
  far = await startHost({
    server: {
      getServer: () => named('far'),
      async deleteServer(_request, { signal }) {
        waiting.dispatchEvent(new Event('taken'));
        await once(signal, 'abort');
        return {};
      },
    },
  });
});
afterAll(() => Promise.all([near.host.stop(), far.host.stop()]));

describe('openPeers', () => {
  it('takes the services of this process as they are given, opens those that are elsewhere, and closes only these', async () => {
    const given = near.host.transport();
    const peers = openPeers(['here', 'there'], {
      addresses: { here: { host: '127.0.0.1', port: 1 }, there: { host: '127.0.0.1', port: far.port } },
      given: { here: given },
    });
    const here = createClient(ServerService, peers.here);
    const there = createClient(ServerService, peers.there);
    expect(peers.here).toBe(given);
    expect(await here.getServer({ serverId: SERVER_ID }, as('admin'))).toMatchObject({ name: 'near' });
    expect(await there.getServer({ serverId: SERVER_ID }, as('admin'))).toMatchObject({ name: 'far' });

    const taken = once(waiting, 'taken');
    const cut = there.deleteServer({ serverId: SERVER_ID }, as('admin')).catch(ConnectError.from);
    await taken;
    peers.close();
    expect(await cut).toMatchObject({ code: Code.Unavailable });
    expect(await here.getServer({ serverId: SERVER_ID }, as('admin'))).toMatchObject({ name: 'near' });
  });
});
