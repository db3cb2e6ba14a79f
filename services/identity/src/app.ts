import type { Transport } from '@connectrpc/connect';
import {
  createAccessTokens,
  createApiKeyVerifier,
  createLocalKeys,
  createServiceTokens,
  createTokenAuthenticator,
  serviceTokenSecret,
} from '@morag/auth';
import type { IdentityConfig } from '@morag/config';
import { deriveKey, loadRootKey } from '@morag/crypto';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuditService } from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { SettingsService } from '@morag/gen/morag/identity/v1/settings_service_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import {
  type AuditJournalStore,
  createAuditJournal,
  databaseReadiness,
  type OutboxRelay,
  openServiceDatabase,
} from '@morag/orm';
import {
  type ApiKeyUsage,
  type AuditRecord,
  createApiKeyUsage,
  createServiceHost,
  openConfiguredTls,
  pageTokens,
  type ServiceHost,
} from '@morag/rpc';
import { createLogger, createMetrics, type Logger } from '@morag/telemetry';
import { apiKeyHandlers } from './modules/api-key/api-key.handlers.ts';
import { addUsage, deleteOldBatches } from './modules/api-key/usage.store.ts';
import { verifyApiKey } from './modules/api-key/verify-api-key.ts';
import { appendEvents } from './modules/audit/append-events.ts';
import { auditHandlers } from './modules/audit/audit.handlers.ts';
import { type AuditChainer, createAuditChainer } from './modules/audit/audit-chain.ts';
import { pruneEvents } from './modules/audit/prune-events.ts';
import { createPasswordHasher } from './modules/password/password-hasher.ts';
import { createOwnedThings } from './modules/portability/owned-things.ts';
import { RevocationPublisher } from './modules/revocation/revocation-publisher.ts';
import { authHandlers } from './modules/session/auth.handlers.ts';
import { deleteEndedSessions } from './modules/session/session.store.ts';
import { settingsHandlers } from './modules/settings/settings.handlers.ts';
import { createLoginThrottle } from './modules/throttle/login-throttle.ts';
import { createRefreshTokens } from './modules/token/refresh-token.ts';
import { readSigningKey } from './modules/token/signing-key.ts';
import { ensureAdministrator } from './modules/user/create-user.ts';
import { type OwningServices, purgeDeletedUsers } from './modules/user/deleted-user.relay.ts';
import { userHandlers } from './modules/user/user.handlers.ts';
import { openPeers, type Peers } from './peers.ts';
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

const DESCRIPTORS = [AuthService, UserService, SettingsService, ApiKeyService, AuditService];
const HOUSEKEEPING_MS = 3_600_000;

/** Builds every object of the service, in order. Opens the database; listens only with `start`. */
export async function buildIdentityService(
  config: IdentityConfig,
  parts: IdentityParts = {},
): Promise<IdentityInstance> {
  const logger = parts.logger ?? createLogger({ level: config.logLevel, service: 'identity' });
  const now = parts.now ?? Date.now;
  const rootKey = await loadRootKey(config.masterKey);
  const { privateKey, publicJwk } = readSigningKey(config.jwtSigningKeyFile);
  const db = await openServiceDatabase({ config: config.database, definition: schema, rootKey, logger });
  const revocations = new RevocationPublisher(db, logger);
  const serviceSecret = serviceTokenSecret(rootKey);
  const tls = await openConfiguredTls(config.tls, logger);
  const peers = openPeers(config, parts.clients, tls);
  const tokens = createServiceTokens({ service: 'identity', secret: serviceSecret, now });
  const purge = purgeDeletedUsers({ db, services: peers, tokens, logger });
  const deps = {
    db,
    now,
    revocations,
    hasher: createPasswordHasher(),
    throttle: createLoginThrottle(db),
    registrationEnabled: config.registrationEnabled,
    defaultRole: config.defaultRole,
    accessTtlSeconds: config.accessTokenTtlSeconds,
    sessionTtlHours: config.sessionTtlHours,
    accessTokens: createAccessTokens({ privateKey, kid: publicJwk.kid, ttlSeconds: config.accessTokenTtlSeconds, now }),
    refreshTokens: createRefreshTokens(deriveKey(rootKey, 'refresh tokens')),
    pageTokens: pageTokens({ secret: deriveKey(rootKey, 'identity page tokens') }),
    publicKeys: [publicJwk],
    owned: createOwnedThings(peers, tokens),
    chainer: createAuditChainer(deriveKey(rootKey, 'audit chain')),
    auditRetentionDays: config.auditRetentionDays,
  };
  const journal = createAuditJournal<AuditRecord>({
    db,
    logger,
    send: (records, signal) => appendEvents(deps, records, signal),
  });
  const usage = createApiKeyUsage({ logger, send: (batch, signal) => addUsage(db, batch, signal) });
  const host = createServiceHost({
    name: 'identity',
    ...config.listen,
    tls,
    descriptors: DESCRIPTORS,
    routes: (router) => {
      router.service(AuthService, authHandlers(deps));
      router.service(UserService, userHandlers(deps));
      router.service(SettingsService, settingsHandlers(deps));
      router.service(ApiKeyService, apiKeyHandlers(deps));
      router.service(AuditService, auditHandlers(deps));
    },
    authenticator: createTokenAuthenticator({
      service: 'identity',
      keys: createLocalKeys(() => deps.publicKeys),
      revocations: revocations.feed,
      serviceSecret,
      verifyApiKey: createApiKeyVerifier({ lookUp: (key, { address }) => verifyApiKey(deps, { key, address }) }),
      now,
    }),
    onCall: usage.count,
    audit: journal,
    logger,
    metrics: createMetrics({ service: 'identity' }),
    readiness: databaseReadiness(db),
  });
  return {
    ...lifecycle(host, { ...deps, purge, peers, usage, journal }, parts, logger),
    name: 'identity',
    host,
    transport: () => host.transport(),
  };
}

function lifecycle(
  host: ServiceHost,
  deps: Parameters<typeof userHandlers>[0] & {
    readonly purge: OutboxRelay;
    readonly peers: Peers;
    readonly usage: ApiKeyUsage;
    readonly journal: AuditJournalStore<AuditRecord>;
    readonly chainer: AuditChainer;
    readonly auditRetentionDays: number;
  },
  parts: IdentityParts,
  logger: Logger,
): Pick<IdentityInstance, 'start' | 'stop'> {
  let housekeeping: NodeJS.Timeout | undefined;
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
      return host.start();
    },
    async stop() {
      clearInterval(housekeeping);
      await host.stop();
      await deps.usage.stop();
      await deps.journal.stop();
      await deps.purge.stop();
      await deps.revocations.stop();
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
