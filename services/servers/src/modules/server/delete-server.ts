import { DomainError } from '@morag/errors';
import { getServer } from './get-server.ts';
import type { ServerStore } from './server.store.ts';
import type { Scope, Server } from './server.ts';

/** A database that stands on a server. */
export interface Tenant {
  readonly databaseId: string;
  readonly name: string;
  /** Deleted already; only its collection is still to be removed. */
  readonly isDeleted: boolean;
}

/** See deleteServer. */
export interface DeleteServerDeps {
  readonly store: Pick<ServerStore, 'find' | 'remove'>;
  readonly tenantsOf: (serverId: string) => Promise<readonly Tenant[]>;
  /** Gives up the collections of deleted databases on this server: they stay there. */
  readonly abandonDeleted: (serverId: string) => Promise<void>;
  readonly onDeleted: (server: Server) => void;
}

/**
 * Forgets a server. One that holds a database is refused, also by force: its only placement cannot go without its data.
 * `force` gives up collections of deleted databases that are still to be removed, as of a server that is gone for good.
 */
export async function deleteServer(
  deps: DeleteServerDeps,
  { id, scope, force }: { id: string; scope: Scope; force: boolean },
): Promise<void> {
  const server = await getServer(deps.store, id, scope);
  const tenants = await deps.tenantsOf(id);
  const live = tenants.filter(({ isDeleted }) => !isDeleted);
  if (live.length > 0) throw inUse(live, 'Delete or move these databases first');
  if (tenants.length > 0) {
    if (!force) throw inUse(tenants, 'Collections of deleted databases are still to be removed from it');
    await deps.abandonDeleted(id);
  }
  if (!(await deps.store.remove(id))) throw inUse(await deps.tenantsOf(id), 'Delete or move these databases first');
  deps.onDeleted(server);
}

const NAMES_MAX = 20;

function inUse(tenants: readonly Tenant[], what: string): DomainError {
  const names = tenants.slice(0, NAMES_MAX).map(({ name }) => JSON.stringify(name));
  if (tenants.length > NAMES_MAX) names.push(`and ${tenants.length - NAMES_MAX} more`);
  return new DomainError('SERVER_IN_USE', `The server is in use. ${what}: ${names.join(', ')}.`, {
    metadata: { databases: tenants.map(({ databaseId }) => databaseId).join(',') },
  });
}
