import type { ServiceConfig } from '@morag/config';
import type { SecretKey } from '@morag/crypto';
import { type Database, openServiceDatabase, type SchemaDefinition } from '@morag/orm';
import { createLogger } from '@morag/telemetry';

/** Whose database, and where. */
export interface ServiceDatabase {
  readonly definition: SchemaDefinition;
  readonly config: Pick<ServiceConfig, 'database'>;
  readonly rootKey: SecretKey;
}

/** Works on a service's database in PostgreSQL itself, for which the service need not run, and closes it. */
export async function withDatabase<T>(
  { definition, config, rootKey }: ServiceDatabase,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const logger = createLogger({ level: 'silent', service: definition.schema });
  const db = await openServiceDatabase({ config: config.database, definition, rootKey, logger });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
