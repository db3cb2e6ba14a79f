import { createClient, type Transport } from '@connectrpc/connect';
import {
  type Authenticator,
  createRemoteKeys,
  createRevocationFeed,
  createServiceTokens,
  createTokenAuthenticator,
  type ServiceTokens,
} from '@morag/auth';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import type { Logger } from '@morag/telemetry';

/** See createOfflineAuthentication. */
export interface OfflineAuthenticationOptions {
  /** The service that authenticates its callers. */
  readonly service: string;
  /** Where identity is: its keys and its stream of revocations. */
  readonly identity: Transport;
  /** See `serviceTokenSecret` of @morag/auth. */
  readonly serviceSecret: Uint8Array;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What a service other than identity authenticates with. */
export interface OfflineAuthentication {
  readonly authenticator: Authenticator;
  /** For the service's own calls. */
  readonly tokens: ServiceTokens;
  /** Follows identity; resolves when revocations are known, or soon if identity is not there. */
  start(): Promise<void>;
  /** Whether credentials can be judged now; part of readiness. */
  isReady(): boolean;
  stop(): Promise<void>;
}

/** A start does not wait longer for identity: the service then says that it is not ready. */
const WAIT_MS_MAX = 5_000;

/** Verifies callers offline against the keys that identity publishes, and its stream of revocations. */
export function createOfflineAuthentication(options: OfflineAuthenticationOptions): OfflineAuthentication {
  const { service, identity, serviceSecret, logger, now } = options;
  const client = createClient(AuthService, identity);
  const tokens = createServiceTokens({ service, secret: serviceSecret, now });
  const revocations = createRevocationFeed({
    client,
    tokens,
    now,
    onError: (error) => logger.info({ err: error }, 'the stream of revocations broke'),
  });
  const keys = createRemoteKeys({ client, now });
  return {
    authenticator: createTokenAuthenticator({ service, keys, revocations, serviceSecret, now }),
    tokens,
    async start() {
      revocations.start();
      await revocations.whenComplete(WAIT_MS_MAX);
    },
    isReady: () => revocations.isFresh(),
    stop: () => revocations.stop(),
  };
}
