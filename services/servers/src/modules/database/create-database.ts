import { collectionNameProblem, type VectorConnector } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import { newId } from '@morag/orm';
import type { Call } from '../../call.ts';
import { fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import type { Server } from '../server/server.ts';
import { collectionInUse, type DatabaseStore } from './database.store.ts';
import type { Database, DatabaseSpec } from './database.ts';
import type { Provisioning } from './provisioning.ts';

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
  const server = await getServer(deps.servers, serverId, { ownerId });
  if (!server.isActive) throw inactive(server);
  const id = newId();
  const collection = wanted || server.collection || `morag_${id.replaceAll('-', '').slice(-16)}`;
  const problem = collectionNameProblem(collection);
  if (problem) throw invalidCollection(problem);
  const onServer = <T>(use: (connector: VectorConnector) => Promise<T>): Promise<T> =>
    deps.pool.use({ serverId, revision: server.revision }, use).catch((error: unknown) => {
      throw fromConnectorError(error, call.signal);
    });
  await onServer((connector) => checkFits(connector, collection, spec, call));
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

/** Whether the server can hold the database, and the collection is free: it does not exist, or is empty and alike. */
async function checkFits(
  connector: VectorConnector,
  collection: string,
  { dimension, metric }: DatabaseSpec,
  call: Call,
): Promise<void> {
  const { metrics, maxDimension } = connector.capabilities();
  if (!metrics.includes(metric)) throw unsupported('metric', `has no metric ${metric.toUpperCase()}`);
  if (dimension > maxDimension) throw unsupported('dimension', `takes at most ${maxDimension} dimensions`);
  if (!(await connector.collectionExists(collection, call.options()))) return;
  const found = await connector.describeCollection(collection, call.options());
  const isAlike = (found.dimension ?? dimension) === dimension && (found.metric ?? metric) === metric;
  if (!isAlike) throw collectionInUse('exists already, with another dimension or metric');
  if ((await connector.count(collection, undefined, call.options())) > 0) {
    throw collectionInUse('exists already and holds records');
  }
}

function inactive({ id }: Server): DomainError {
  return new DomainError('SERVER_INACTIVE', 'The server has not passed a connection test yet: test it first.', {
    metadata: { serverId: id },
  });
}

function unsupported(field: string, description: string): DomainError {
  return new DomainError('UNSUPPORTED_BY_SERVER', `The server ${description}.`, {
    violations: [{ field: `database.${field}`, description: `the server ${description}` }],
  });
}

function invalidCollection(description: string): DomainError {
  return new DomainError('INVALID_ARGUMENT', `${description}.`, {
    violations: [{ field: 'database.collection', description }],
  });
}
