import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import { fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { DatabaseStore } from '../database/database.store.ts';
import type { Database } from '../database/database.ts';
import { getDatabase } from '../database/get-database.ts';
import type { Operation } from '../operation/operation.ts';
import { type StartOperationDeps, startOperation } from '../operation/start-operation.ts';
import type { PlacementStore } from '../placement/placement.store.ts';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import type { Scope } from '../server/server.ts';

/** See importCollection. */
export interface ImportCollectionDeps extends StartOperationDeps {
  readonly databases: Pick<DatabaseStore, 'find'>;
  readonly placements: Pick<PlacementStore, 'list'>;
  readonly servers: Pick<ServerStore, 'find'>;
  readonly pool: Pick<ConnectorPool, 'use'>;
}

/** Which collection, as the operation keeps it. */
export interface ImportRequest {
  readonly serverId: string;
  readonly collection: string;
}

/** Starts to read the records of a collection into a database. The same one twice is one operation. */
export async function importCollection(
  deps: ImportCollectionDeps,
  { scope, databaseId, serverId, collection }: ImportRequest & { readonly scope: Scope; readonly databaseId: string },
  call: Call,
): Promise<Operation> {
  const database = await getDatabase(deps.databases, databaseId, scope);
  const { ownerId } = database;
  const { revision } = await getServer(deps.servers, serverId, { ownerId, serverIds: scope.serverIds });
  const placements = await deps.placements.list(databaseId);
  if (placements.some((placement) => placement.serverId === serverId && placement.collection === collection)) {
    throw new DomainError('PLACEMENT_CONFLICT', 'The collection is one of the database itself.');
  }
  const info = await deps.pool
    .use({ serverId, revision }, (connector) => connector.describeCollection(collection, call.options()))
    .catch((error: unknown) => {
      throw fromConnectorError(error, call.signal);
    });
  checkDimension(database, info.dimension);
  const request: ImportRequest = { serverId, collection };
  return startOperation(deps, { ownerId, databaseId, kind: 'IMPORT', request: { ...request } }, (running) =>
    Object.entries(request).every(([key, value]) => running.request[key] === value),
  );
}

function checkDimension({ dimension }: Database, found: number | null): void {
  if (found === null || found === dimension) return;
  throw new DomainError(
    'DIMENSION_MISMATCH',
    `Its vectors have ${found} dimensions, and those of the database ${dimension}.`,
    {
      violations: [{ field: 'collection', description: `has ${found} dimensions, not ${dimension}` }],
    },
  );
}
