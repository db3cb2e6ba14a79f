import type { Database } from './database.ts';
import { pendingMigrations } from './migrate.ts';

/**
 * What `/readyz` asks of a service's database: that it answers and that its schema is not older than this version. The
 * schema is looked at until it is up to date, and not again: it never goes back.
 */
export function databaseReadiness(db: Database): () => Promise<{ postgres: boolean; migrations: boolean }> {
  let upToDate = false;
  return async () => {
    const postgres = await db.ping();
    if (postgres && !upToDate) upToDate = (await pendingMigrations(db).catch(() => ['unknown'])).length === 0;
    return { postgres, migrations: upToDate };
  };
}
