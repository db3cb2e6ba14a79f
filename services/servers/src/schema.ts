import { fileURLToPath } from 'node:url';
import { AuditEntry, IdempotencyKey, OutboxEvent, type SchemaDefinition } from '@morag/orm';
import { DatabaseEntity } from './modules/database/database.entity.ts';
import { ConnectionEventEntity } from './modules/event/connection-event.entity.ts';
import { FailoverEventEntity } from './modules/failover/failover.entity.ts';
import { HealthCheckEntity, HealthMemberEntity, ServerHealthEntity } from './modules/health/health.entity.ts';
import { MutationEntity } from './modules/log/mutation.entity.ts';
import { OperationEntity } from './modules/operation/operation.entity.ts';
import { PlacementEntity, QuarantinedRecordEntity } from './modules/placement/placement.entity.ts';
import { DepartedOwnerEntity, ServerEntity } from './modules/server/server.entity.ts';
import { WebhookEntity } from './modules/webhook/webhook.entity.ts';

/** The tables of this service, which nobody else touches. */
export const schema: SchemaDefinition = {
  schema: 'servers',
  entities: [
    ServerEntity,
    DepartedOwnerEntity,
    ServerHealthEntity,
    HealthCheckEntity,
    HealthMemberEntity,
    ConnectionEventEntity,
    FailoverEventEntity,
    WebhookEntity,
    DatabaseEntity,
    PlacementEntity,
    QuarantinedRecordEntity,
    MutationEntity,
    OperationEntity,
    IdempotencyKey,
    OutboxEvent,
    AuditEntry,
  ],
  migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)),
};
