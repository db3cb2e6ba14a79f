import { DomainError } from '@morag/errors';
import { requireEtag } from '@morag/orm';
import type { ServerStore } from '../server/server.store.ts';
import type { Scope } from '../server/server.ts';
import { checkServersNamed, refusePinnedPrimary } from './check-preference.ts';
import type { DatabaseChanges, DatabaseStore } from './database.store.ts';
import type { Database } from './database.ts';
import { getDatabase } from './get-database.ts';

/** What can be named in an update although it never changes. */
export type FixedFields = Partial<Pick<Database, 'dimension' | 'metric' | 'serverId' | 'collection'>>;

/** See updateDatabase. */
export interface UpdateDatabaseInput {
  readonly id: string;
  readonly scope: Scope;
  readonly changes: DatabaseChanges;
  /** Named, and to be what they are. */
  readonly fixed: FixedFields;
  readonly etag: string;
}

/** See updateDatabase. */
export interface UpdateDatabaseDeps {
  readonly databases: Pick<DatabaseStore, 'find' | 'update'>;
  readonly servers: Pick<ServerStore, 'find'>;
  readonly onChanged: (databaseId: string) => void;
}

const ATTEMPTS = 5;

/** Changes a database. */
export async function updateDatabase(deps: UpdateDatabaseDeps, input: UpdateDatabaseInput): Promise<Database> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const database = await getDatabase(deps.databases, input.id, input.scope);
    requireEtag(database, input.etag);
    refuseFixed(database, input.fixed);
    const { readPolicy, readPreference } = input.changes;
    if (readPolicy || readPreference) refusePinnedPrimary({ ...database, ...input.changes });
    const scope = { ownerId: database.ownerId, serverIds: input.scope.serverIds };
    if (readPreference) await checkServersNamed(deps.servers, readPreference, scope);
    const updated = await deps.databases.update(database, input.changes);
    if (updated) {
      deps.onChanged(updated.id);
      return updated;
    }
  }
  throw new DomainError('CONFLICT', 'The database is being changed by others; try again.', { retryAfterMs: 100 });
}

function refuseFixed(database: Database, fixed: FixedFields): void {
  const differing = Object.entries(fixed).filter(([field, value]) => value !== database[field as keyof FixedFields]);
  if (differing.length === 0) return;
  throw new DomainError('INVALID_ARGUMENT', `${differing.map(([field]) => field).join(', ')} cannot be changed.`, {
    violations: differing.map(([field]) => ({ field: `database.${field}`, description: 'cannot be changed' })),
  });
}
