import { DomainError } from '@morag/errors';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import type { Scope } from '../server/server.ts';
import { type ReadPreference, serversNamed } from './read-preference.ts';

/** Refuses a preference that names a server which the caller does not have: SERVER_NOT_FOUND. */
export async function checkServersNamed(
  servers: Pick<ServerStore, 'find'>,
  preference: ReadPreference,
  scope: Scope,
): Promise<void> {
  for (const serverId of serversNamed(preference)) await getServer(servers, serverId, scope);
}

/** The error for a preference that names a server on which the database has no placement. */
export function holdsNothing(serverId: string): DomainError {
  return new DomainError('PLACEMENT_CONFLICT', `The database has no placement on the server ${serverId}.`, {
    metadata: { serverId },
    violations: [{ field: 'database.readPreference', description: 'names a server without a placement' }],
  });
}
