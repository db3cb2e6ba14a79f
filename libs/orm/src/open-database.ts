import { setTimeout as sleep } from 'node:timers/promises';
import { deriveKey, type SecretKey } from '@morag/crypto';
import { reasonOf } from '@morag/errors';
import type { Logger } from '@morag/telemetry';
import type { SchemaDefinition } from './create-migration.ts';
import { createOrm, type Database } from './database.ts';
import { migrate } from './migrate.ts';
import { translatePgError } from './pg-errors.ts';
import type { PoolBounds } from './pool.ts';
import { ensureSchemaAndRole, ensureSchemas } from './prepare-database.ts';

/** See openServiceDatabase. */
export interface ServiceDatabaseOptions {
  /** As the configuration has it. */
  readonly config: {
    readonly url: string;
    readonly dedicated: boolean;
    readonly pool: PoolBounds;
    readonly echo: boolean;
    readonly autoMigrate: boolean;
  };
  readonly definition: SchemaDefinition;
  /** The role's password is derived from it, so that every instance knows it and no file holds it. */
  readonly rootKey: SecretKey;
  /** Further schemas of the service, for a library with tables of its own. */
  readonly schemas?: readonly string[];
  readonly logger: Logger;
}

/** How long a start waits for a PostgreSQL that is still starting itself. */
const WAIT_MS_MAX = 60_000;
const WAIT_STEP_MS = 500;

/**
 * A service's database, ready to be used: with a common URL the service's schema and role are made and the role is used;
 * with a URL of its own the schemas are made through that. Migrates where the configuration says so.
 */
export async function openServiceDatabase(options: ServiceDatabaseOptions): Promise<Database> {
  const { config, definition, rootKey, schemas = [], logger } = options;
  const service = definition.schema;
  const url = await whenReachable(async () => {
    if (!config.dedicated) {
      const password = deriveKey(rootKey, `postgres role ${service}`).toString('base64url');
      return ensureSchemaAndRole(config.url, { service, password, schemas });
    }
    await ensureSchemas(config.url, [service, ...schemas]);
    return config.url;
  }, logger);
  const db = await createOrm({ ...definition, url, service, pool: config.pool, echo: config.echo, logger });
  try {
    if (config.autoMigrate) await migrate(db, { logger });
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function whenReachable<T>(work: () => Promise<T>, logger: Logger): Promise<T> {
  for (const deadline = Date.now() + WAIT_MS_MAX; ; await sleep(WAIT_STEP_MS)) {
    try {
      return await work();
    } catch (error) {
      const isAway = reasonOf(translatePgError(error)) === 'UNAVAILABLE';
      if (!isAway || Date.now() > deadline) throw error;
      logger.warn('PostgreSQL is not reachable yet');
    }
  }
}
