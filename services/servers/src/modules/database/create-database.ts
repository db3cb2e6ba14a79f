import { collectionNameProblem, type VectorConnector } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import { newId } from '@morag/orm';
import type { Call } from '../../call.ts';
import { fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import {
  checkCollectionFits,
  collectionNameFor,
  invalidCollection,
  serverInactive,
} from '../placement/collection-fit.ts';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import { checkServersNamed, holdsNothing, refusePinnedPrimary } from './check-preference.ts';
import type { DatabaseStore } from './database.store.ts';
import type { Database, DatabaseSpec } from './database.ts';
import type { Provisioning } from './provisioning.ts';
import { serversNamed } from './read-preference.ts';

/** See createDatabase. */
export interface CreateDatabaseDeps {
  readonly servers: Pick<ServerStore, 'find'>;
  readonly databases: Pick<DatabaseStore, 'publish'>;
  readonly provisioning: Provisioning;
  readonly pool: Pick<ConnectorPool, 'use'>;
  /** Takes back a database that was not finished; what cannot be removed now is removed later. */
  readonly discard: (databaseId: string) => Promise<void>;
}

/** See createDatabase. */
export interface CreateDatabaseInput {
  readonly ownerId: string;
  readonly spec: DatabaseSpec;
  readonly serverId: string;
  /** Empty: the server's, or a name made for it. */
  readonly collection: string;
}

/**
 * Makes a database and its collection. The row comes first and is seen by nobody until the collection is there, so that
 * whatever happens in between leaves no half of a database; what was cut off is removed later. The server has to be the
 * owner's own: a database must not outlive its owner on somebody else's server, nor lose it with the other's.
 */
export async function createDatabase(
  deps: CreateDatabaseDeps,
  { ownerId, spec, serverId, collection: wanted }: CreateDatabaseInput,
  call: Call,
): Promise<Database> {
  refusePinnedPrimary(spec);
  const server = await getServer(deps.servers, serverId, { ownerId });
  if (!server.isActive) throw serverInactive(server);
  await checkServersNamed(deps.servers, spec.readPreference, { ownerId });
  const elsewhere = serversNamed(spec.readPreference).find((id) => id !== serverId);
  if (elsewhere !== undefined) throw holdsNothing(elsewhere);
  const id = newId();
  const collection = wanted || server.collection || collectionNameFor(id);
  const problem = collectionNameProblem(collection);
  if (problem) throw invalidCollection(problem, 'database');
  const onServer = <T>(use: (connector: VectorConnector) => Promise<T>): Promise<T> =>
    deps.pool.use({ serverId, revision: server.revision }, use).catch((error: unknown) => {
      throw fromConnectorError(error, call.signal);
    });
  await onServer((connector) => checkCollectionFits(connector, { ...spec, collection }, 'database', call));
  const row = { ...spec, id, ownerId, placementId: newId(), serverId, collection };
  const holding = await deps.provisioning.begin(row, call);
  try {
    const { name: _name, dimension, metric } = spec;
    await onServer((connector) =>
      connector.createCollection({ name: collection, dimension, metric, ifNotExists: true }, call.options()),
    );
    const database = await deps.databases.publish(id);
    if (!database) throw new DomainError('CONFLICT', 'Making the database took too long; try again.');
    return database;
  } catch (error) {
    await deps.discard(id);
    throw error;
  } finally {
    holding.end();
  }
}
