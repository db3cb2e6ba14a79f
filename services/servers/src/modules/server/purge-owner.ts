import type { DatabaseRemover } from '../database/remove-database.ts';
import type { PlacementStore } from '../placement/placement.store.ts';
import type { ServerStore } from './server.store.ts';

/** See purgeOwner. */
export interface PurgeOwnerDeps {
  readonly servers: Pick<ServerStore, 'noteDeparture' | 'ownedBy' | 'remove'>;
  readonly placements: Pick<PlacementStore, 'condemn' | 'abandon'>;
  readonly remover: Pick<DatabaseRemover, 'tryRemove'>;
  readonly onDeleted: (server: { readonly id: string }) => void;
}

const AT_ONCE = 8;
/** Until another instance that applies a log has noticed: longer than a lease. */
const PATIENCE_MS = 25_000;

/**
 * Removes an owner's databases and servers. Collections go as far as their servers answer now: with the servers'
 * credentials goes the means to remove the rest. A call of the owner that is under way leaves nothing behind. Repeatable;
 * what is done stays done.
 */
export async function purgeOwner(deps: PurgeOwnerDeps, ownerId: string, signal: AbortSignal): Promise<void> {
  await deps.servers.noteDeparture(ownerId);
  const databases = [...(await deps.placements.condemn({ ownedBy: ownerId }))];
  const lane = async (): Promise<void> => {
    for (let id = databases.pop(); id !== undefined; id = databases.pop()) {
      signal.throwIfAborted();
      await deps.remover.tryRemove(id, PATIENCE_MS);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  for (const id of await deps.servers.ownedBy(ownerId)) {
    await deps.placements.abandon(id);
    await deps.servers.remove(id);
    deps.onDeleted({ id });
  }
}
