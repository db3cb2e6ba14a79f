import { isWithin } from '@morag/auth';
import type { DatabaseDirectory } from '../database/database-directory.ts';
import type { DatabaseView } from '../database/database-view.ts';
import { databaseNotFound } from '../log/group-commit.ts';
import type { Scope } from '../server/server.ts';

/** The database as reads and writes need it; DATABASE_NOT_FOUND also for another owner's, or one that a key is not for. */
export async function openDatabase(
  directory: Pick<DatabaseDirectory, 'find'>,
  databaseId: string,
  { ownerId, databaseIds }: Scope,
): Promise<DatabaseView> {
  const view = await directory.find(databaseId);
  const isTheirs = view && (ownerId === undefined || view.ownerId === ownerId);
  if (!isTheirs || !isWithin(databaseIds, view.id)) throw databaseNotFound(databaseId);
  return view;
}
