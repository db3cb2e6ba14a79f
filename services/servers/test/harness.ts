import { randomBytes } from 'node:crypto';
import {
  type CallOptions,
  Code,
  ConnectError,
  createClient,
  createRouterTransport,
  type Transport,
} from '@connectrpc/connect';
import { afterEach, beforeEach } from '@jest/globals';
import { createServiceTokens, PERMISSIONS, type Role, serviceTokenSecret } from '@morag/auth';
import { serversConfig } from '@morag/config';
import { loadRootKey } from '@morag/crypto';
import { Operations } from '@morag/gen/google/longrunning/operations_pb.ts';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { CollectionService } from '@morag/gen/morag/servers/v1/collection_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { WebhookService } from '@morag/gen/morag/servers/v1/webhook_service_pb.ts';
import { createLogger } from '@morag/telemetry';
import { createTestDatabase } from '@morag/testing';
import { buildServersService, type ServersInstance, type ServersParts } from '../src/index.ts';
import { DATA_PLANE_SETTINGS, type DataPlaneSettings } from '../src/settings.ts';
import { createIdentity } from './identity-stub.ts';
import { createMemoryVendors, type MemoryVendors } from './memory-vendors.ts';

/** Clients of one instance, through the interceptors of production. */
export type Clients = ReturnType<typeof clientsOf>;

/** Somebody who calls. */
export interface Caller {
  readonly userId: string;
  readonly as: CallOptions;
}

/** A servers service on a database of its own. */
export interface Harness extends Clients {
  readonly service: ServersInstance;
  readonly vendors: MemoryVendors;
  /** Databases that the documents service was told are gone. */
  readonly detached: readonly string[];
  /** URL of its PostgreSQL database, as the superuser. */
  readonly databaseUrl: string;
  newUser(role?: Role): Promise<Caller>;
  /** The caller as another service acts for them. */
  serviceFor(userId: string): Promise<Caller>;
  /** A second instance on the same database, unless `env` says otherwise; stopped with the first. */
  another(parts?: ServersParts, env?: Record<string, string>): Promise<Clients & { readonly service: ServersInstance }>;
  close(): Promise<void>;
}

/** Times short enough for tests, long enough for a machine that is busy. */
export const FAST: DataPlaneSettings = {
  ...DATA_PLANE_SETTINGS,
  applier: { ...DATA_PLANE_SETTINGS.applier, leaseTtlMs: 6_000, idleMs: 3_000, pollMs: 200 },
  keeper: { ...DATA_PLANE_SETTINGS.keeper, sweepMs: 200 },
};

/** Starts one, its vendors in memory unless `parts` brings others; `env` is added to its environment. */
export async function startServers(parts: ServersParts = {}, env: Record<string, string> = {}): Promise<Harness> {
  const database = await createTestDatabase('servers');
  const full = {
    MORAG_DATABASE_URL: database.url,
    MORAG_AUTO_MIGRATE: 'true',
    MORAG_MASTER_KEY: randomBytes(32).toString('base64'),
    MORAG_EGRESS_ALLOW: '127.0.0.0/8',
    ...env,
  };
  const secret = serviceTokenSecret(await loadRootKey({ key: full.MORAG_MASTER_KEY }));
  const identity = createIdentity();
  const vendors = createMemoryVendors();
  const detached: string[] = [];
  const documents = createDocuments(detached);
  const instances: ServersInstance[] = [];
  const start = async (more: ServersParts, moreEnv: Record<string, string> = {}): Promise<ServersInstance> => {
    const config = { ...serversConfig({ ...full, ...moreEnv }), listen: { host: '127.0.0.1', port: 0 } };
    const logger = createLogger({ level: 'silent', service: 'servers' });
    const clients = { identity: identity.transport, documents };
    const service = await buildServersService(config, { logger, vendors, clients, settings: FAST, ...parts, ...more });
    await service.start();
    instances.push(service);
    return service;
  };
  const service = await start({});
  const end = async (): Promise<void> => {
    await Promise.all(instances.map((instance) => instance.stop()));
    await database.drop();
  };
  let ending: Promise<void> | undefined;
  const close = (): Promise<void> => (ending ??= end());
  startedInTest?.push(close);

  return {
    ...clientsOf(service.transport()),
    service,
    vendors,
    detached,
    databaseUrl: database.url,
    async newUser(role = 'USER') {
      const { userId, token } = await identity.newToken(role);
      return { userId, as: bearer(token) };
    },
    async serviceFor(userId) {
      const tokens = createServiceTokens({ service: 'documents', secret });
      const token = await tokens.issue({ audience: 'servers', ownerId: userId, permissions: PERMISSIONS });
      return { userId, as: bearer(token) };
    },
    async another(more = {}, moreEnv = {}) {
      const second = await start(more, moreEnv);
      return { ...clientsOf(second.transport()), service: second };
    },
    close,
  };
}

/** Closes those that were started within the test that runs, if one does. */
let startedInTest: (() => Promise<void>)[] | undefined;

beforeEach(() => {
  startedInTest = [];
});

// A test that fails has not closed its own: it would work on beside all tests to come.
afterEach(async () => {
  await Promise.all((startedInTest ?? []).map((close) => close()));
  startedInTest = undefined;
}, 60_000);

/** Clients of all services. */
export function clientsOf(transport: Transport) {
  return {
    servers: createClient(ServerService, transport),
    collections: createClient(CollectionService, transport),
    databases: createClient(DatabaseService, transport),
    records: createClient(RecordService, transport),
    webhooks: createClient(WebhookService, transport),
    operations: createClient(Operations, transport),
  };
}

/** As much of the documents service as deleting a database asks for; it is away at the first call. */
function createDocuments(detached: string[]): Transport {
  let isAway = true;
  return createRouterTransport(({ rpc }) => {
    rpc(DocumentService.method.detachDatabase, ({ databaseId }) => {
      if (!isAway) detached.push(databaseId);
      else {
        isAway = false;
        throw new ConnectError('away', Code.Unavailable);
      }
      return {};
    });
  });
}

/** How somebody calls who has this token. */
export function bearer(token: string): CallOptions {
  return { headers: { authorization: `Bearer ${token}` } };
}
