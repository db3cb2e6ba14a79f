import { createClient } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Authenticator } from '@morag/auth';
import { DomainError, reasonOf } from '@morag/errors';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { as, fakeAuthenticator, type HostFixture, startHost } from '../../test/fixture.ts';
import { createServiceTransport, type ServiceTransport } from '../client/service-transport.ts';

let revoked: boolean;
let aborted: boolean;
let fixture: HostFixture;
let network: ServiceTransport;

const authenticator: Authenticator = {
  ...fakeAuthenticator,
  async stillGood() {
    if (revoked) throw new DomainError('UNAUTHENTICATED', 'The credential is wrong, expired or revoked.');
  },
};

beforeEach(async () => {
  [revoked, aborted] = [false, false];
  const server = {
    async *watchHealth(_request: unknown, context: { readonly signal: AbortSignal }) {
      context.signal.addEventListener('abort', () => {
        aborted = true;
      });
      yield {};
      // Deaf to its signal: the stream has to end all the same.
      await new Promise<never>(() => {});
    },
  };
  fixture = await startHost({ server }, { authenticator });
  network = createServiceTransport({ baseUrl: fixture.baseUrl });
});
afterEach(async () => {
  network.close();
  await fixture.host.stop(0);
});

describe('an open stream', () => {
  it.each(['over a socket', 'in process'])('%s ends when its credential is revoked', async (way) => {
    const client = createClient(ServerService, way === 'in process' ? fixture.host.transport() : network);
    let messages = 0;
    const read = async (): Promise<void> => {
      for await (const _ of client.watchHealth({}, as('admin'))) {
        messages += 1;
        revoked = true;
      }
    };
    const begun = performance.now();
    const reason = await read().then(
      () => 'no error',
      (error: unknown) => reasonOf(error),
    );
    expect([reason, messages, aborted]).toEqual(['UNAUTHENTICATED', 1, true]);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
