import type { Vault } from '@morag/crypto';
import type { Egress } from '@morag/egress';
import { connectClient, type Database as Orm } from '@morag/orm';
import type { Logger, Metrics } from '@morag/telemetry';
import { buildCopies } from './build-copies.ts';
import { buildFailover } from './build-failover.ts';
import { buildHealth } from './build-health.ts';
import { buildDataPlane } from './data-plane.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createInstance } from './instance.ts';
import type { Vendors } from './modules/connector/vendors.ts';
import { createDatabaseStore } from './modules/database/database.store.ts';
import { createProvisioning } from './modules/database/provisioning.ts';
import { createDatabaseRemover } from './modules/database/remove-database.ts';
import { createConnectionEventStore } from './modules/event/connection-event.store.ts';
import { createConnectionJournal } from './modules/event/connection-journal.ts';
import { createConsistencyTokens } from './modules/log/consistency-token.ts';
import { createPlacementStore } from './modules/placement/placement.store.ts';
import { createReturnedServers } from './modules/placement/returned-servers.ts';
import { createWindBackStore } from './modules/placement/wind-back.store.ts';
import { getServer } from './modules/server/get-server.ts';
import { purgeOwner } from './modules/server/purge-owner.ts';
import { createServerStore } from './modules/server/server.store.ts';
import { openSecrets } from './modules/server/server-secrets.ts';
import type { DataPlaneSettings } from './settings.ts';

/** See buildServices. */
export interface ServicesDeps {
  readonly db: Orm;
  readonly egress: Egress;
  readonly vendors: Vendors;
  readonly vault: Vault;
  readonly tokenSecret: Buffer;
  readonly clock: () => Date;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: DataPlaneSettings;
}

/** Everything that the handlers work with. */
export type Services = ReturnType<typeof buildServices>;

/** Builds the stores and what stands between them and the handlers. */
export function buildServices({
  db,
  egress,
  vendors,
  vault,
  tokenSecret,
  clock,
  logger,
  metrics,
  settings,
}: ServicesDeps) {
  const servers = createServerStore(db);
  const databases = createDatabaseStore(db);
  const placements = createPlacementStore(db);
  const instance = createInstance();
  const connect = (): ReturnType<typeof connectClient> => connectClient(db.options, logger);
  const connectionEvents = createConnectionEventStore(db);
  const journal = createConnectionJournal({ store: connectionEvents, clock, logger });
  const plane = buildDataPlane({
    db,
    instance,
    connect,
    placements,
    vendors,
    logger,
    metrics,
    settings,
    onConnection: journal.note,
    findServer: async (serverId) => {
      const server = await getServer(servers, serverId, {});
      return { server, secrets: openSecrets(vault, server) };
    },
  });
  const copies = buildCopies({ db, instance, databases, placements, plane, logger, settings });
  const returned = createReturnedServers({ ...plane, store: createWindBackStore(db), logger });
  const health = buildHealth({
    db,
    instance,
    connect,
    board: plane.health,
    vendors,
    vault,
    onStopped: returned.doubt,
    clock,
    logger,
    settings,
  });
  const { switchPrimary } = copies;
  const monitor = health.healthMonitor;
  const failover = buildFailover({ db, health: plane.health, monitor, switchPrimary, logger, settings });
  const { pool, directory, forget } = plane;
  const { placementRemover, fillers, operationRunner } = copies;
  const remover = createDatabaseRemover({ placements, placementRemover, directory, forget, logger });
  const discard = async (databaseId: string): Promise<void> => {
    await placements.condemn({ unfinished: databaseId });
    await remover.tryRemove(databaseId);
  };
  const housekeeping = createHousekeeping({ removers: [remover, placementRemover], logger });
  const dropConnector = ({ id }: { readonly id: string }): void => {
    pool.drop(id);
    health.refreshSoon();
  };
  const parts = [journal, plane, health, failover, fillers, operationRunner, housekeeping];

  return {
    ...plane,
    ...copies,
    ...health,
    ...failover,
    monitor,
    health: plane.health,
    connectionEvents,
    servers,
    databases,
    placements,
    remover,
    vendors,
    egress,
    vault,
    clock,
    dropConnector,
    discard,
    provisioning: createProvisioning({ databases, instance, discard }),
    tokens: createConsistencyTokens(tokenSecret),
    purgeOwner: (ownerId: string, signal: AbortSignal) =>
      purgeOwner({ servers, placements, remover, onDeleted: dropConnector }, ownerId, signal),
    start() {
      for (const part of parts) part.start();
    },
    async stop() {
      for (const part of parts.toReversed()) await part.stop();
      await returned.stop();
    },
  };
}
