export { baseColumns, newId } from './columns.ts';
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
export { MigrationError, migrate, pendingMigrations } from './migrate.ts';
export { translatePgError, violatedConstraint } from './pg-errors.ts';
export type { ConnectionOptions, PoolBounds } from './pool.ts';
export { ensureSchemaAndRole, ensureSchemas, type ServiceRole } from './prepare-database.ts';
