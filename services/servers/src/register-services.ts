import type { ConnectRouter } from '@connectrpc/connect';
import { Operations } from '@morag/gen/google/longrunning/operations_pb.ts';
import { CollectionService } from '@morag/gen/morag/servers/v1/collection_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { QuotaService } from '@morag/gen/morag/servers/v1/quota_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { WebhookService } from '@morag/gen/morag/servers/v1/webhook_service_pb.ts';
import type { PageTokens } from '@morag/rpc';
import type { Services } from './build-services.ts';
import { collectionHandlers } from './modules/collection/collection.handlers.ts';
import { databaseHandlers } from './modules/database/database.handlers.ts';
import { connectionEventHandlers } from './modules/event/connection-event.handlers.ts';
import { drainServer } from './modules/failover/drain-server.ts';
import { failoverHandlers } from './modules/failover/failover.handlers.ts';
import { healthHandlers } from './modules/health/health.handlers.ts';
import { databaseOperationHandlers } from './modules/operation/database-operations.handlers.ts';
import { operationHandlers } from './modules/operation/operation.handlers.ts';
import { placementHandlers } from './modules/placement/placement.handlers.ts';
import { quotaHandlers } from './modules/quota/quota.handlers.ts';
import { recordHandlers } from './modules/record/record.handlers.ts';
import { serverHandlers } from './modules/server/server.handlers.ts';
import { webhookHandlers } from './modules/webhook/webhook.handlers.ts';

/** Registers the handlers of all services of this program. */
export function registerServices(services: Services, pageTokens: PageTokens): (router: ConnectRouter) => void {
  const { servers, placements, directory, dropConnector } = services;
  const onChanged = (databaseId: string): void => directory.forget(databaseId);
  return (router) => {
    router.service(ServerService, {
      ...connectionEventHandlers({ ...services, pageTokens }),
      ...healthHandlers({ ...services, pageTokens }),
      ...serverHandlers({
        ...services,
        pageTokens,
        store: servers,
        tenantsOf: (serverId) => placements.tenantsOf(serverId),
        drain: (tenants, signal) => drainServer(services, tenants, signal),
        abandonDeleted: (serverId) => placements.abandon(serverId),
        onChanged: dropConnector,
        onDeleted: dropConnector,
      }),
    });
    router.service(CollectionService, collectionHandlers({ ...services, pageTokens }));
    router.service(DatabaseService, {
      ...databaseHandlers({ ...services, pageTokens, onChanged }),
      ...placementHandlers({ ...services, pageTokens, onChanged }),
      ...databaseOperationHandlers(services),
      ...failoverHandlers({ ...services, pageTokens }),
    });
    router.service(WebhookService, webhookHandlers({ ...services, pageTokens }));
    router.service(QuotaService, quotaHandlers(services));
    router.service(RecordService, recordHandlers({ ...services, pageTokens }));
    router.service(Operations, operationHandlers({ ...services, pageTokens }));
  };
}
