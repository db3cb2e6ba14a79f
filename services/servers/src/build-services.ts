import type { Vault } from '@morag/crypto';
import type { Egress } from '@morag/egress';
import { connectClient, type Database as Orm } from '@morag/orm';
import type { Logger, Metrics } from '@morag/telemetry';
import { buildCopies } from './build-copies.ts';
import { buildWatch } from './build-watch.ts';
import { buildDataPlane, type DataPlane } from './data-plane.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createInstance } from './instance.ts';
import type { Vendors } from './modules/connector/vendors.ts';
import { createDatabaseStore } from './modules/database/database.store.ts';
import { createProvisioning } from './modules/database/provisioning.ts';
import { createDatabaseRemover } from './modules/database/remove-database.ts';
import { createConnectionEventStore } from './modules/event/connection-event.store.ts';
import { createConnectionJournal } from './modules/event/connection-journal.ts';
import { createPlacementStore, type PlacementStore } from './modules/placement/placement.store.ts';
import type { PlacementRemover } from './modules/placement/remove-placement.ts';
import { createQuotaStore, type QuotaLimits } from './modules/quota/quota.store.ts';
import { createRecordQuota } from './modules/quota/record-quota.ts';
import { getServer } from './modules/server/get-server.ts';
import { purgeOwner } from './modules/server/purge-owner.ts';
import { createServerStore, type ServerStore } from './modules/server/server.store.ts';
import { openSecrets } from './modules/server/server-secrets.ts';
import { createEventDelivery } from './modules/webhook/deliver-event.ts';
import { createEventPost } from './modules/webhook/post-event.ts';
import { createWebhookStore, type WebhookStore } from './modules/webhook/webhook.store.ts';
import type { DataPlaneSettings } from './settings.ts';

/** See buildServices. */
export interface ServicesDeps {
  readonly db: Orm;
  readonly egress: Egress;
  readonly vendors: Vendors;
  readonly vault: Vault;
  readonly tokenSecret: Buffer;
  /** The key of a webhook's signatures. */
  readonly webhookKeyOf: (webhookId: string) => Buffer;
  readonly clock: () => Date;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: DataPlaneSettings;
  /** How much each owner may have. */
  readonly quotas: QuotaLimits;
}

/** Everything that the handlers work with. */
export type Services = ReturnType<typeof buildServices>;

/** Builds the stores and what stands between them and the handlers. */
export function buildServices(deps: ServicesDeps) {
  const { db, egress, vendors, vault, clock, logger } = deps;
  const quotas = createQuotaStore(db, deps.quotas);
  const servers = createServerStore(db, quotas.hold);
  const databases = createDatabaseStore(db, quotas.hold);
  const placements = createPlacementStore(db);
  const instance = createInstance();
  const connect = (): ReturnType<typeof connectClient> => connectClient(db.options, logger);
  const webhooks = createWebhookStore(db, quotas.hold);
  const connectionEvents = createConnectionEventStore(db);
  const journal = createConnectionJournal({ store: connectionEvents, clock, logger });
  const plane = buildDataPlane({
    ...deps,
    instance,
    connect,
    placements,
    onConnection: journal.note,
    findServer: (serverId) => findServer(servers, vault, serverId),
  });
  const recordQuota = createRecordQuota({ limit: deps.quotas.records, quotas, pool: plane.pool, board: plane.board });
  const copies = buildCopies({ ...deps, instance, databases, servers, placements, plane, recordQuota });
  const { switchPrimary, placementRemover, fillers, operationRunner } = copies;
  const watch = buildWatch({ ...deps, instance, connect, plane, switchPrimary, webhooks });
  const removal = buildRemoval({ placements, placementRemover, plane, logger });
  const { remover, discard } = removal;
  const dropConnector = ({ id }: { readonly id: string }): void => {
    plane.pool.drop(id);
    watch.refreshSoon();
  };
  const parts: readonly Part[] = [journal, plane, watch, fillers, operationRunner, removal.housekeeping];

  return {
    ...plane,
    ...copies,
    ...watch,
    connectionEvents,
    ...buildPost(deps, webhooks),
    servers,
    databases,
    placements,
    quotas,
    recordQuota,
    ...removal,
    vendors,
    egress,
    vault,
    clock,
    dropConnector,
    provisioning: createProvisioning({ databases, instance, discard }),
    async purgeOwner(ownerId: string, signal: AbortSignal) {
      await webhooks.removeAll(ownerId);
      await purgeOwner({ servers, placements, remover, onDeleted: dropConnector }, ownerId, signal);
    },
    async start() {
      for (const part of parts) await part.start();
    },
    async stop() {
      for (const part of parts.toReversed()) await part.stop();
    },
  };
}

/** What works by itself until it is stopped. */
interface Part {
  start(): Promise<void> | void;
  stop(): Promise<void> | void;
}

/** What sends events to webhooks. */
function buildPost({ egress, webhookKeyOf: keyOf, clock, logger }: ServicesDeps, webhooks: WebhookStore) {
  const post = createEventPost({ egress, keyOf, clock });
  return { webhooks, keyOf, post, deliverToWebhook: createEventDelivery({ webhooks, post, clock, logger }) };
}

/** A server with what it takes to connect to it. */
async function findServer(servers: ServerStore, vault: Vault, serverId: string) {
  const server = await getServer(servers, serverId, {});
  return { server, secrets: openSecrets(vault, server) };
}

/** What takes away what was deleted: at once, or later. */
function buildRemoval({
  placements,
  placementRemover,
  plane: { directory, forget },
  logger,
}: {
  readonly placements: PlacementStore;
  readonly placementRemover: PlacementRemover;
  readonly plane: Pick<DataPlane, 'directory' | 'forget'>;
  readonly logger: Logger;
}) {
  const remover = createDatabaseRemover({ placements, placementRemover, directory, forget, logger });
  return {
    remover,
    housekeeping: createHousekeeping({ removers: [remover, placementRemover], logger }),
    async discard(databaseId: string): Promise<void> {
      await placements.condemn({ unfinished: databaseId });
      await remover.tryRemove(databaseId);
    },
  };
}
