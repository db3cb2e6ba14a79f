import { DomainError } from '@morag/errors';
import type { PlacementRole } from '../placement/placement.ts';
import { getServer } from './get-server.ts';
import type { ServerStore } from './server.store.ts';
import type { Scope, Server } from './server.ts';

/** A database that stands on a server. */
export interface Tenant {
  readonly databaseId: string;
  readonly name: string;
  readonly placementId: string;
  readonly role: PlacementRole;
  /** Deleted already, or its placement here is; only the collection is still to be removed. */
  readonly isDeleted: boolean;
}

/** See deleteServer. */
export interface DeleteServerDeps {
  readonly store: Pick<ServerStore, 'find' | 'remove'>;
  readonly tenantsOf: (serverId: string) => Promise<readonly Tenant[]>;
  /** Lets databases go on without this server; answers those that cannot, with nothing changed then. */
  readonly drain: (tenants: readonly Tenant[], signal: AbortSignal) => Promise<readonly Tenant[]>;
  /** Gives up the collections of deleted databases and replicas on this server: they stay there. */
  readonly abandonDeleted: (serverId: string) => Promise<void>;
  readonly onDeleted: (server: Server) => void;
}

/**
 * Forgets a server. One that holds a database is refused. `force` takes the database off it where a replica elsewhere can
 * go on, and gives up collections that are still to be removed, as of a server that is gone for good; a database's only
 * copy cannot go without its data.
 */
export async function deleteServer(
  deps: DeleteServerDeps,
  { id, scope, force }: { id: string; scope: Scope; force: boolean },
  signal: AbortSignal,
): Promise<void> {
  const server = await getServer(deps.store, id, scope);
  const tenants = await deps.tenantsOf(id);
  const live = tenants.filter(({ isDeleted }) => !isDeleted);
  if (live.length > 0 && !force) throw inUse(live, 'Delete or move these databases first, or remove their replicas');
  if (tenants.length > 0 && !force)
    throw inUse(tenants, 'Collections that were deleted are still to be removed from it');
  const stuck = await deps.drain(live, signal);
  if (stuck.length > 0) throw inUse(stuck, 'Nobody could go on with these databases: delete or move them first');
  if (tenants.length > 0) await deps.abandonDeleted(id);
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
