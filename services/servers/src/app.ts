import { createClient, type Transport } from '@connectrpc/connect';
import {
  createRemoteKeys,
  createRevocationFeed,
  createServiceTokens,
  createTokenAuthenticator,
  serviceTokenSecret,
} from '@morag/auth';
import type { ServersConfig } from '@morag/config';
import { createVault, deriveKey, loadMasterKey, type MasterKey } from '@morag/crypto';
import { createEgress, type Egress } from '@morag/egress';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { createIdempotencyStore, type Database, openServiceDatabase, pendingMigrations } from '@morag/orm';
import { createServiceHost, createServiceTransport, pageTokens, type ServiceHost } from '@morag/rpc';
import { createLogger, createMetrics, type Logger } from '@morag/telemetry';
import { buildServices, type Services } from './build-services.ts';
import { createRegistryVendors } from './modules/connector/registry-vendors.ts';
import type { Vendors } from './modules/connector/vendors.ts';
import { SERVICES } from './not-yet-available.ts';
import { registerServices } from './register-services.ts';
import { schema } from './schema.ts';
import { DATA_PLANE_SETTINGS, type DataPlaneSettings } from './settings.ts';

/** What a start may bring along. */
export interface ServersParts {
  readonly logger?: Logger;
  readonly clock?: () => Date;
  /** Services in this process; those left out are called over the network. */
  readonly clients?: { readonly identity?: Transport };
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
  const masterKey = loadMasterKey(config.masterKey);
  const db = await openServiceDatabase({ config: config.database, definition: schema, masterKey, logger });
  const egress = createServerEgress(config);
  const services = buildServices({
    db,
    egress,
    vendors: parts.vendors ?? createRegistryVendors(egress),
    vault: createVault({ masterKey, keyVersion: 1 }),
    tokenSecret: deriveKey(masterKey, 'servers consistency tokens'),
    clock: parts.clock ?? (() => new Date()),
    logger,
    settings: parts.settings ?? DATA_PLANE_SETTINGS,
  });
  const authentication = createAuthentication(config, parts, masterKey, logger);
  const host = createServiceHost({
    name: 'servers',
    ...config.listen,
    descriptors: SERVICES,
    routes: registerServices(services, pageTokens({ secret: deriveKey(masterKey, 'servers page tokens') })),
    authenticator: authentication.authenticator,
    logger,
    metrics: createMetrics({ service: 'servers' }),
    readiness: () => readiness(db),
    idempotency: createIdempotencyStore(db, { logger }),
  });
  return { name: 'servers', host, transport: () => host.transport(), ...lifecycle(host, services, authentication, db) };
}

function lifecycle(
  host: ServiceHost,
  services: Services,
  authentication: Authentication,
  db: Database,
): Pick<ServersInstance, 'start' | 'stop'> {
  return {
    start() {
      authentication.start();
      services.start();
      return host.start();
    },
    async stop() {
      await host.stop();
      await services.stop();
      await authentication.stop();
      await db.close();
    },
  };
}

type Authentication = ReturnType<typeof createAuthentication>;

function createAuthentication(config: ServersConfig, parts: ServersParts, masterKey: MasterKey, logger: Logger) {
  const { host, port } = config.peers.identity;
  const remote = parts.clients?.identity ? undefined : createServiceTransport({ baseUrl: `http://${host}:${port}` });
  const client = createClient(AuthService, parts.clients?.identity ?? (remote as Transport));
  const serviceSecret = serviceTokenSecret(masterKey);
  const revocations = createRevocationFeed({
    client,
    tokens: createServiceTokens({ service: 'servers', secret: serviceSecret }),
    onError: (error) => logger.debug({ err: error }, 'the revocation feed was interrupted'),
  });
  const keys = createRemoteKeys({ client });
  return {
    authenticator: createTokenAuthenticator({ service: 'servers', keys, revocations, serviceSecret }),
    start: () => revocations.start(),
    async stop() {
      await revocations.stop();
      remote?.close();
    },
  };
}

/** Servers stand where users say, but never where this system itself listens. */
function createServerEgress({ egressAllow, peers, database }: ServersConfig): Egress {
  const { hostname, port } = new URL(database.url);
  const deny = [...Object.values(peers), { host: hostname, port: Number(port || 5432) }];
  return createEgress({ allow: [...egressAllow], deny, embedded: false });
}

async function readiness(db: Database): Promise<Record<string, boolean>> {
  const postgres = await db.ping();
  const migrations = postgres && (await pendingMigrations(db).catch(() => ['unknown'])).length === 0;
  return { postgres, migrations };
}
