export { AuditEntry } from './audit-journal.entity.ts';
export { type AuditJournalOptions, type AuditJournalStore, createAuditJournal } from './audit-journal.ts';
export { baseColumns, newId } from './columns.ts';
export { type Bind, type Condition, equals, newStatement, type Statement, whereAll } from './conditions.ts';
export { createMigration, migrationIsMissing, type SchemaDefinition } from './create-migration.ts';
export {
  createOrm,
  type Database,
  type Em,
  type Entity,
  type OrmOptions,
  query,
  type WorkOptions,
} from './database.ts';
export { etagOf, requireEtag } from './etag.ts';
export { IdempotencyKey } from './idempotency.entity.ts';
export { createIdempotencyStore, type IdempotencyStoreOptions } from './idempotency-store.ts';
export { type FilterField, type FilterFields, type FilterKind, parseListFilter } from './list-filter.ts';
export { type Order, type OrderField, type OrderFields, parseOrderBy } from './list-order.ts';
export { type Cursor, type ListRequest, type ListSpec, listPage, type Page } from './list-page.ts';
export { MigrationError, migrate, pendingMigrations } from './migrate.ts';
export { openServiceDatabase, type ServiceDatabaseOptions } from './open-database.ts';
export { OutboxEvent } from './outbox.entity.ts';
export { appendEvent, dropOldEvents, type KeptEvents, type NewEvent } from './outbox.ts';
export { createOutboxRelay, type DeliveredEvent, type OutboxRelay, type OutboxRelayOptions } from './outbox-relay.ts';
export { translatePgError, violatedConstraint } from './pg-errors.ts';
export { type ConnectionOptions, connectClient, type PoolBounds } from './pool.ts';
export { ensureSchemaAndRole, ensureSchemas, type ServiceRole } from './prepare-database.ts';
export { holdQuota, requireQuota } from './quota.ts';
export { databaseReadiness } from './readiness.ts';
