import { collectionNameProblem } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import { newId } from '@morag/orm';
import type { Call } from '../../call.ts';
import { fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { DatabaseStore } from '../database/database.store.ts';
import type { Database } from '../database/database.ts';
import { getDatabase } from '../database/get-database.ts';
import { databaseNotFound } from '../log/group-commit.ts';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import type { Scope } from '../server/server.ts';
import { checkCollectionFits, collectionNameFor, invalidCollection, serverInactive } from './collection-fit.ts';
import type { NewReplica, ReplicaStore } from './replica.store.ts';

/** See createPlacement. */
export interface CreatePlacementDeps {
  readonly databases: Pick<DatabaseStore, 'find'>;
  readonly servers: Pick<ServerStore, 'find'>;
  readonly replicas: Pick<ReplicaStore, 'insert'>;
  readonly pool: Pick<ConnectorPool, 'use'>;
  /** A replica was added: it is to be filled, and views of the database are to know of it. */
  readonly onPlaced: (databaseId: string) => void;
}

/** See createPlacement. */
export interface CreatePlacementInput {
  readonly scope: Scope;
  readonly databaseId: string;
  readonly serverId: string;
  /** Empty: a name made for it. */
  readonly collection: string;
}

/**
 * Puts a replica on a server. It exists from now on, fills itself in the background, and then follows the log. As for
 * a new database, the server has to be the owner's own.
 */
export async function createPlacement(
  deps: CreatePlacementDeps,
  input: CreatePlacementInput,
  call: Call,
): Promise<string> {
  const replica = await planReplica(deps, input, call);
  if (!(await deps.replicas.insert(replica))) throw databaseNotFound(input.databaseId);
  deps.onPlaced(input.databaseId);
  return replica.id;
}

/** The replica that a caller asks for, or why there cannot be one; nothing is changed. */
export async function planReplica(
  deps: Pick<CreatePlacementDeps, 'databases' | 'servers' | 'pool'>,
  { scope, databaseId, serverId, collection: wanted }: CreatePlacementInput,
  call: Call,
): Promise<NewReplica> {
  const database = await getDatabase(deps.databases, databaseId, scope);
  const server = await getServer(deps.servers, serverId, {
    ownerId: database.ownerId,
    serverIds: scope.serverIds,
  });
  if (!server.isActive) throw serverInactive(server);
  const id = newId();
  const collection = wanted || collectionNameFor(id);
  const problem = collectionNameProblem(collection);
  if (problem) throw invalidCollection(problem, 'placement');
  refuseItself(database, serverId, collection);
  const { dimension, metric } = database;
  await deps.pool
    .use({ serverId, revision: server.revision }, (connector) =>
      checkCollectionFits(connector, { collection, dimension, metric }, 'placement', call),
    )
    .catch((error: unknown) => {
      throw fromConnectorError(error, call.signal);
    });
  return { id, databaseId, serverId, collection };
}

function refuseItself({ serverId, collection }: Database, wantedServer: string, wantedCollection: string): void {
  if (serverId !== wantedServer || collection !== wantedCollection) return;
  throw new DomainError('PLACEMENT_CONFLICT', 'The primary of the database is this very collection.', {
    violations: [{ field: 'placement.collection', description: 'is that of the primary' }],
  });
}
