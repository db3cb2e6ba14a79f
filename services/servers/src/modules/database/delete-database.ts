import { isWithin } from '@morag/auth';
import { databaseNotFound } from '../log/group-commit.ts';
import type { PlacementStore } from '../placement/placement.store.ts';
import type { Scope } from '../server/server.ts';
import type { DatabaseDirectory } from './database-directory.ts';
import type { DatabaseRemover } from './remove-database.ts';

/** See deleteDatabase. */
export interface DeleteDatabaseDeps {
  readonly placements: Pick<PlacementStore, 'condemn'>;
  readonly directory: Pick<DatabaseDirectory, 'forget'>;
  readonly remover: Pick<DatabaseRemover, 'tryRemove'>;
}

/** Hides a database at once and for good; its collections go now, or, where a server is away, later. */
export async function deleteDatabase(deps: DeleteDatabaseDeps, id: string, scope: Scope): Promise<void> {
  const { ownerId, databaseIds } = scope;
  const condemned = isWithin(databaseIds, id) ? await deps.placements.condemn({ id, ownerId }) : [];
  if (condemned.length === 0) throw databaseNotFound(id);
  deps.directory.forget(id);
  await deps.remover.tryRemove(id);
}
