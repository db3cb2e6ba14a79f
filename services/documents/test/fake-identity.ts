import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectRouter, createRouterTransport, type Transport } from '@connectrpc/connect';
import { createAccessTokens, type Role } from '@morag/auth';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';

/** Publishes a key, has revoked nobody, and issues tokens. */
export interface FakeIdentity {
  readonly transport: Transport;
  /** The same for a server of its own. */
  routes(router: ConnectRouter): void;
  token(userId: string, role?: Role): Promise<string>;
}

/** The part of the identity service that others need to know who calls. */
export function createFakeIdentity(): FakeIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const kid = 'test';
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const tokens = createAccessTokens({ privateKey, kid, ttlSeconds: 600 });
  const routes = ({ service }: ConnectRouter): void => {
    service(AuthService, {
      getJwks: () => ({ keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }] }),
      async *watchRevocations(_request, { signal }) {
        while (!signal.aborted) {
          yield { revocations: [], sequence: 0n, snapshotComplete: true };
          await sleep(1_000, undefined, { signal, ref: false }).catch(() => {});
        }
      },
    });
  };
  return {
    routes,
    transport: createRouterTransport(routes),
    token: (userId, role = 'USER') => tokens.issue({ userId, role, sessionId: crypto.randomUUID() }),
  };
}
