import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createRouterTransport, type Transport } from '@connectrpc/connect';
import { createAccessTokens, type Role } from '@morag/auth';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';

/** See createIdentity. */
export interface IdentityStub {
  readonly transport: Transport;
  /** An access token of a new user. */
  newToken(role: Role): Promise<{ readonly userId: string; readonly token: string }>;
}

/** As much of the identity service as verification asks for: its published key, and a feed without revocations. */
export function createIdentity(): IdentityStub {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const kid = randomUUID();
  const { kty = '', crv = '', x = '' } = publicKey.export({ format: 'jwk' });
  const tokens = createAccessTokens({ privateKey, kid, ttlSeconds: 600 });
  const transport = createRouterTransport((router) => {
    router.service(AuthService, {
      getJwks: () => ({ keys: [{ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }] }),
      async *watchRevocations(_request, { signal }) {
        while (!signal.aborted) {
          yield { revocations: [], snapshotComplete: true };
          await new Promise((resolve) => {
            const timer = setTimeout(resolve, 1_000).unref();
            signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
          });
        }
      },
    });
  });
  return {
    transport,
    async newToken(role) {
      const userId = randomUUID();
      return { userId, token: await tokens.issue({ userId, sessionId: randomUUID(), role }) };
    },
  };
}
