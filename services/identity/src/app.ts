import type { Transport } from '@connectrpc/connect';
import { createApiKeyVerifier, createLocalKeys, createTokenAuthenticator } from '@morag/auth';
import type { IdentityConfig } from '@morag/config';
import { loadRootKey } from '@morag/crypto';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuditService } from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { QuotaService } from '@morag/gen/morag/identity/v1/quota_service_pb.ts';
import { RateLimitService } from '@morag/gen/morag/identity/v1/rate_limit_service_pb.ts';
import { SettingsService } from '@morag/gen/morag/identity/v1/settings_service_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { databaseReadiness, openServiceDatabase } from '@morag/orm';
import { createServiceHost, type ServiceHost } from '@morag/rpc';
import { createLogger, createMetrics, type Logger } from '@morag/telemetry';
import { buildDeps, type IdentityDeps } from './build-deps.ts';
import { apiKeyHandlers } from './modules/api-key/api-key.handlers.ts';
import { deleteOldBatches } from './modules/api-key/usage.store.ts';
import { verifyApiKey } from './modules/api-key/verify-api-key.ts';
import { auditHandlers } from './modules/audit/audit.handlers.ts';
import { pruneEvents } from './modules/audit/prune-events.ts';
import { createPasswordHasher } from './modules/password/password-hasher.ts';
import { quotaHandlers } from './modules/quota/quota.handlers.ts';
import { createLocalRateLimits } from './modules/rate-limit/local-rate-limits.ts';
import { sweepBuckets } from './modules/rate-limit/rate-bucket.store.ts';
import { rateLimitHandlers } from './modules/rate-limit/rate-limit.handlers.ts';
import { authHandlers } from './modules/session/auth.handlers.ts';
import { deleteEndedSessions } from './modules/session/session.store.ts';
import { settingsHandlers } from './modules/settings/settings.handlers.ts';
import { ensureAdministrator } from './modules/user/create-user.ts';
import { type OwningServices } from './modules/user/deleted-user.relay.ts';
import { userHandlers } from './modules/user/user.handlers.ts';
import { schema } from './schema.ts';

/** What a start may bring along. */
export interface IdentityParts {
  readonly logger?: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Made at the start if there is no administrator yet. */
  readonly administrator?: { readonly email: string; readonly password: string };
  /** Services in this process; those left out are called over the network. */
  readonly clients?: Partial<OwningServices>;
}

/** The service, built and not yet listening. */
export interface IdentityInstance {
  readonly name: 'identity';
  readonly host: ServiceHost;
  start(): Promise<{ port: number }>;
  stop(): Promise<void>;
  /** Calls it in process. */
  transport(): Transport;
}

const DESCRIPTORS = [
  AuthService,
  UserService,
  SettingsService,
  ApiKeyService,
  AuditService,
  QuotaService,
  RateLimitService,
];
const HOUSEKEEPING_MS = 3_600_000;
/** Strangers' addresses make rows: how long they are left to gather. */
const SWEEP_MS = 300_000;

/** Builds every object of the service, in order. Opens the database; listens only with `start`. */
export async function buildIdentityService(
  config: IdentityConfig,
  parts: IdentityParts = {},
): Promise<IdentityInstance> {
  const logger = parts.logger ?? createLogger({ level: config.logLevel, service: 'identity' });
  const now = parts.now ?? Date.now;
  const deps = await buildDeps(config, { now, logger, clients: parts.clients });
  const isStored = databaseReadiness(deps.db);
  const host = createServiceHost({
    name: 'identity',
    ...config.listen,
    tls: deps.tls,
    descriptors: DESCRIPTORS,
    routes: (router) => {
      router.service(AuthService, authHandlers(deps));
      router.service(UserService, userHandlers(deps));
      router.service(SettingsService, settingsHandlers(deps));
      router.service(ApiKeyService, apiKeyHandlers(deps));
      router.service(AuditService, auditHandlers(deps));
      router.service(QuotaService, quotaHandlers(deps));
      router.service(RateLimitService, rateLimitHandlers(deps));
    },
    authenticator: createTokenAuthenticator({
      service: 'identity',
      keys: createLocalKeys(() => deps.signingKeys.published()),
      revocations: deps.revocations.feed,
      serviceSecret: deps.serviceSecret,
      verifyApiKey: createApiKeyVerifier({ lookUp: (key, { address }) => verifyApiKey(deps, { key, address }) }),
      now,
    }),
    onCall: deps.usage.count,
    audit: deps.journal,
    rateLimits: createLocalRateLimits(deps.db, { settings: config.rateLimits, logger }),
    logger,
    metrics: createMetrics({ service: 'identity' }),
    readiness: async () => ({ ...(await isStored()), revocations: deps.revocations.feed.isFresh() }),
  });
  return {
    ...lifecycle(host, deps, parts, logger),
    name: 'identity',
    host,
    transport: () => host.transport(),
  };
}

function lifecycle(
  host: ServiceHost,
  deps: IdentityDeps,
  parts: IdentityParts,
  logger: Logger,
): Pick<IdentityInstance, 'start' | 'stop'> {
  let housekeeping: NodeJS.Timeout | undefined;
  let sweeping: NodeJS.Timeout | undefined;
  const prune = () => pruneEvents(deps, { retentionDays: deps.auditRetentionDays, nowMs: deps.now() });
  return {
    async start() {
      if (parts.administrator) await ensureAdministrator(deps, parts.administrator, AbortSignal.timeout(30_000));
      await deps.revocations.start();
      deps.purge.start();
      deps.usage.start();
      deps.journal.start();
      housekeeping = setInterval(() => {
        Promise.all([deleteEndedSessions(deps.db), deleteOldBatches(deps.db), deps.throttle.sweep(), prune()]).catch(
          (error: unknown) => logger.warn({ err: error }, 'housekeeping failed'),
        );
      }, HOUSEKEEPING_MS).unref();
      sweeping = setInterval(() => {
        sweepBuckets(deps.db).catch((error: unknown) => logger.warn({ err: error }, 'sweeping rate limits failed'));
      }, SWEEP_MS).unref();
      return host.start();
    },
    async stop() {
      clearInterval(housekeeping);
      clearInterval(sweeping);
      await host.stop();
      await deps.usage.stop();
      await deps.journal.stop();
      await deps.purge.stop();
      await deps.revocations.stop();
      deps.signingKeys.close();
      await deps.db.close();
      deps.peers.close();
    },
  };
}

/** Makes the first administrator without starting the service: for an installation whose service is another process. */
export async function makeFirstAdministrator(
  config: IdentityConfig,
  administrator: { readonly email: string; readonly password: string },
): Promise<void> {
  const logger = createLogger({ level: 'silent', service: 'identity' });
  const rootKey = await loadRootKey(config.masterKey);
  const db = await openServiceDatabase({ config: config.database, definition: schema, rootKey, logger });
  const { registrationEnabled, defaultRole } = config;
  const deps = { db, hasher: createPasswordHasher(), registrationEnabled, defaultRole };
  try {
    await ensureAdministrator(deps, administrator, AbortSignal.timeout(30_000));
  } finally {
    await db.close();
  }
}
