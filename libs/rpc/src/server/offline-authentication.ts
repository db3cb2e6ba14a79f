import { createClient, type Transport } from '@connectrpc/connect';
import {
  type Authenticator,
  createApiKeyVerifier,
  createRemoteKeys,
  createRevocationFeed,
  createServiceTokens,
  createTokenAuthenticator,
  remoteApiKeys,
  type ServiceTokens,
  SYSTEM_USER_ID,
} from '@morag/auth';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import type { Logger } from '@morag/telemetry';
import { drawFromIdentity } from '../rate-limit/draw-tokens.ts';
import { createRateLimits, type RateLimitSettings, type RateLimits } from '../rate-limit/rate-limits.ts';
import { createApiKeyUsage } from './api-key-usage.ts';
import type { FinishedCall } from './call-observer.ts';

/** See createOfflineAuthentication. */
export interface OfflineAuthenticationOptions {
  /** The service that authenticates its callers. */
  readonly service: string;
  /** Where identity is: its keys and its stream of revocations. */
  readonly identity: Transport;
  /** See `serviceTokenSecret` of @morag/auth. */
  readonly serviceSecret: Uint8Array;
  readonly rateLimits: RateLimitSettings;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What a service other than identity authenticates with. */
export interface OfflineAuthentication {
  readonly authenticator: Authenticator;
  /** For the host: counts the calls of API keys. */
  onCall(call: FinishedCall): void;
  /** For the host: how often callers may call, by buckets that identity keeps for all services. */
  readonly rateLimits: RateLimits;
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
  const apiKeys = createClient(ApiKeyService, identity);
  const verifyApiKey = createApiKeyVerifier({ lookUp: remoteApiKeys(apiKeys, tokens) });
  const usage = createApiKeyUsage({
    logger,
    async send(batch, signal) {
      const token = await tokens.issue({ audience: 'identity', ownerId: SYSTEM_USER_ID, permissions: [] });
      await apiKeys.recordApiKeyUsage(batch, { signal, headers: { authorization: `Bearer ${token}` } });
    },
  });
  return {
    authenticator: createTokenAuthenticator({ service, keys, revocations, serviceSecret, verifyApiKey, now }),
    onCall: (call) => usage.count(call),
    rateLimits: createRateLimits({
      settings: options.rateLimits,
      draw: drawFromIdentity(identity, tokens),
      logger,
    }),
    tokens,
    async start() {
      revocations.start();
      usage.start();
      await revocations.whenComplete(WAIT_MS_MAX);
    },
    isReady: () => revocations.isFresh(),
    async stop() {
      await usage.stop();
      await revocations.stop();
    },
  };
}
