import { databaseNotFound } from '../log/group-commit.ts';
import type { Scope } from '../server/server.ts';
import type { DatabaseStore } from './database.store.ts';
import type { Database } from './database.ts';

/** A database that the caller may see; another owner's is as absent as one that does not exist. */
export async function getDatabase(store: Pick<DatabaseStore, 'find'>, id: string, scope: Scope): Promise<Database> {
  const database = await store.find(id, scope);
  if (!database) throw databaseNotFound(id);
  return database;
}
