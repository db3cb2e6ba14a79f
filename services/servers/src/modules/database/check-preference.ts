import { DomainError } from '@morag/errors';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import type { Scope } from '../server/server.ts';
import type { Database } from './database.ts';
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

/**
 * Refuses to pin the reads of a database that go to its primary: the primary may change by itself, and no read could then
 * be answered.
 */
export function refusePinnedPrimary({
  readPolicy,
  readPreference,
}: Pick<Database, 'readPolicy' | 'readPreference'>): void {
  if (readPolicy !== 'PRIMARY' || readPreference.pinnedServerId === '') return;
  const text = 'Reads that go to the primary cannot be pinned to a server: the primary may change.';
  const description = 'goes with any read policy but PRIMARY';
  throw new DomainError('INVALID_ARGUMENT', text, {
    violations: [{ field: 'database.readPreference.pinnedServerId', description }],
  });
}
