import type { Transport } from '@connectrpc/connect';
import { serviceTokenSecret } from '@morag/auth';
import type { ServersConfig } from '@morag/config';
import { createVault, deriveKey, type Keys, openKeys } from '@morag/crypto';
import { createEgress, type Egress } from '@morag/egress';
import {
  type AuditJournalStore,
  createAuditJournal,
  createIdempotencyStore,
  type Database,
  databaseReadiness,
  type OutboxRelay,
  openServiceDatabase,
} from '@morag/orm';
import {
  type AuditRecord,
  createOfflineAuthentication,
  createServiceHost,
  type OfflineAuthentication,
  openConfiguredTls,
  openPeers,
  type Peers,
  pageTokens,
  type ServiceHost,
  sendAuditRecords,
} from '@morag/rpc';
import { createLogger, createMetrics, type Logger } from '@morag/telemetry';
import { buildServices, type Services } from './build-services.ts';
import { SERVICES } from './contracts.ts';
import { createEventRelay } from './event-relay.ts';
import { createRegistryVendors } from './modules/connector/registry-vendors.ts';
import type { Vendors } from './modules/connector/vendors.ts';
import { DATABASE_DELETED } from './modules/database/database-deleted.ts';
import { detachDocuments } from './modules/database/deleted-database.relay.ts';
import { WEBHOOK_EVENT } from './modules/webhook/webhook.store.ts';
import { registerServices } from './register-services.ts';
import { schema } from './schema.ts';
import { type DataPlaneSettings, settingsOf } from './settings.ts';

/** What a start may bring along. */
export interface ServersParts {
  readonly logger?: Logger;
  readonly clock?: () => Date;
  /** Services in this process; those left out are called over the network. */
  readonly clients?: { readonly identity?: Transport; readonly documents?: Transport };
  readonly settings?: DataPlaneSettings;
  /** Other vendors than those of this build. */
  readonly vendors?: Vendors;
}

/** The service, built and not yet listening. */
export interface ServersInstance {
  readonly name: 'servers';
  readonly host: ServiceHost;
  start(): Promise<{ port: number }>;
  stop(): Promise<void>;
  /** Calls it in process. */
  transport(): Transport;
}

/** Builds every object of the service, in order. Opens the database; listens only with `start`. */
export async function buildServersService(config: ServersConfig, parts: ServersParts = {}): Promise<ServersInstance> {
  const logger = parts.logger ?? createLogger({ level: config.logLevel, service: 'servers' });
  const keys = await openKeys(config.masterKey, {
    onProblem: (error) => logger.error({ err: error }, 'the changed master key file cannot be used'),
  });
  const db = await openServiceDatabase({ config: config.database, definition: schema, rootKey: keys.root, logger });
  const egress = createServerEgress(config);
  const metrics = createMetrics({ service: 'servers' });
  const services = buildServices({
    db,
    egress,
    vendors: parts.vendors ?? createRegistryVendors(egress),
    vault: createVault(keys),
    tokenSecret: deriveKey(keys.root, 'servers consistency tokens'),
    webhookKeyOf: (webhookId) => deriveKey(keys.root, `servers webhook ${webhookId}`),
    clock: parts.clock ?? (() => new Date()),
    logger,
    metrics,
    settings: parts.settings ?? settingsOf(config),
    quotas: config.quotas,
  });
  const tls = await openConfiguredTls(config.tls, logger);
  const peers = openPeers(['identity', 'documents'], { addresses: config.peers, given: parts.clients, tls });
  const authentication = createOfflineAuthentication({
    service: 'servers',
    identity: peers.identity,
    serviceSecret: serviceTokenSecret(keys.root),
    rateLimits: config.rateLimits,
    logger,
  });
  const deliveries = {
    [DATABASE_DELETED]: detachDocuments({ documents: peers.documents, tokens: authentication.tokens }),
    [WEBHOOK_EVENT]: services.deliverToWebhook,
  };
  const relay = createEventRelay({ db, logger, deliveries });
  const send = sendAuditRecords(peers.identity, authentication.tokens);
  const journal = createAuditJournal<AuditRecord>({ db, logger, send });
  const isStored = databaseReadiness(db);
  const host = createServiceHost({
    name: 'servers',
    ...config.listen,
    tls,
    descriptors: SERVICES,
    routes: registerServices(services, pageTokens({ secret: deriveKey(keys.root, 'servers page tokens') })),
    authenticator: authentication.authenticator,
    onCall: authentication.onCall,
    audit: journal,
    rateLimits: authentication.rateLimits,
    logger,
    metrics,
    readiness: async () => ({ ...(await isStored()), identity: authentication.isReady() }),
    idempotency: createIdempotencyStore(db, { logger }),
  });
  return {
    name: 'servers',
    host,
    transport: () => host.transport(),
    ...lifecycle({ host, services, authentication, relay, journal, peers, db, keys }),
  };
}

interface Running {
  readonly host: ServiceHost;
  readonly services: Services;
  readonly authentication: OfflineAuthentication;
  readonly relay: OutboxRelay;
  readonly journal: AuditJournalStore<AuditRecord>;
  readonly peers: Peers<'identity' | 'documents'>;
  readonly db: Database;
  readonly keys: Keys;
}

function lifecycle(running: Running): Pick<ServersInstance, 'start' | 'stop'> {
  const { host, services, authentication, relay, journal, peers, db, keys } = running;
  return {
    async start() {
      await authentication.start();
      await services.start();
      relay.start();
      journal.start();
      return host.start();
    },
    async stop() {
      await host.stop();
      await relay.stop();
      await journal.stop();
      await services.stop();
      await authentication.stop();
      await db.close();
      keys.close();
      peers.close();
    },
  };
}

/** Servers stand where users say, but never where this system itself listens. */
function createServerEgress({ egressAllow, peers, database }: ServersConfig): Egress {
  const { hostname, port } = new URL(database.url);
  const deny = [...Object.values(peers), { host: hostname, port: Number(port || 5432) }];
  return createEgress({ allow: [...egressAllow], deny, embedded: false });
}
