import { createServiceTokens, serviceTokenSecret } from '@morag/auth';
import type { IdentityConfig } from '@morag/config';
import { deriveKey, loadRootKey } from '@morag/crypto';
import { createAuditJournal, openServiceDatabase } from '@morag/orm';
import { type AuditRecord, createApiKeyUsage, openConfiguredTls, openPeers, pageTokens } from '@morag/rpc';
import { type Logger } from '@morag/telemetry';
import { addUsage } from './modules/api-key/usage.store.ts';
import { appendEvents } from './modules/audit/append-events.ts';
import { createAuditChainer } from './modules/audit/audit-chain.ts';
import { createPasswordHasher } from './modules/password/password-hasher.ts';
import { RevocationPublisher } from './modules/revocation/revocation-publisher.ts';
import { createLoginThrottle } from './modules/throttle/login-throttle.ts';
import { createRefreshTokens } from './modules/token/refresh-token.ts';
import { openSigningKeys } from './modules/token/signing-keys.ts';
import { type OwningServices, purgeDeletedUsers } from './modules/user/deleted-user.relay.ts';
import { createOwnedThings } from './owned-things.client.ts';
import { createReadQuotas } from './quotas.client.ts';
import { schema } from './schema.ts';

/** Everything that handlers and background work share. */
export type IdentityDeps = Awaited<ReturnType<typeof buildDeps>>;

/** Opens the database and builds what stands on it. */
export async function buildDeps(
  config: IdentityConfig,
  { now, logger, clients }: { now: () => number; logger: Logger; clients: Partial<OwningServices> | undefined },
) {
  const rootKey = await loadRootKey(config.masterKey);
  const signingKeys = await openSigningKeys(config.jwtSigningKeyFile, {
    ttlSeconds: config.accessTokenTtlSeconds,
    now,
    onProblem: (error) => logger.error({ err: error }, 'the changed signing key file cannot be used'),
  });
  const db = await openServiceDatabase({ config: config.database, definition: schema, rootKey, logger });
  const revocations = new RevocationPublisher(db, logger);
  const serviceSecret = serviceTokenSecret(rootKey);
  const tls = await openConfiguredTls(config.tls, logger);
  const peers = openPeers(['documents', 'servers'], { addresses: config.peers, given: clients, tls });
  const tokens = createServiceTokens({ service: 'identity', secret: serviceSecret, now });
  const deps = {
    serviceSecret,
    tls,
    peers,
    purge: purgeDeletedUsers({ db, services: peers, tokens, logger }),
    db,
    now,
    revocations,
    hasher: createPasswordHasher(),
    throttle: createLoginThrottle(db),
    registrationEnabled: config.registrationEnabled,
    defaultRole: config.defaultRole,
    accessTtlSeconds: config.accessTokenTtlSeconds,
    sessionTtlHours: config.sessionTtlHours,
    signingKeys,
    accessTokens: signingKeys.accessTokens,
    refreshTokens: createRefreshTokens(deriveKey(rootKey, 'refresh tokens')),
    pageTokens: pageTokens({ secret: deriveKey(rootKey, 'identity page tokens') }),
    owned: createOwnedThings(peers, tokens),
    readQuotas: createReadQuotas(peers, tokens),
    chainer: createAuditChainer(deriveKey(rootKey, 'audit chain')),
    auditRetentionDays: config.auditRetentionDays,
  };
  const journal = createAuditJournal<AuditRecord>({
    db,
    logger,
    send: (records, signal) => appendEvents(deps, records, signal),
  });
  const usage = createApiKeyUsage({ logger, send: (batch, signal) => addUsage(db, batch, signal) });
  return { ...deps, journal, usage };
}
