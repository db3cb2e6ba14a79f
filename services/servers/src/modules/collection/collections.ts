import {
  type CallOptions,
  type CollectionInfo,
  collectionNameProblem,
  type Metric,
  type VectorConnector,
} from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import { fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { PlacementStore } from '../placement/placement.store.ts';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import type { Scope } from '../server/server.ts';

/** A collection of a server, whoever made it. */
export interface Collection extends CollectionInfo {
  /** Empty when it belongs to no database. */
  readonly databaseId: string;
  /** Absent in lists: counting all of them would ask each. */
  readonly recordCount?: number;
  /** On disk; absent where the vendor does not tell, and in lists. */
  readonly sizeBytes?: number;
  /** Absent as `sizeBytes` is. */
  readonly indexedRecords?: number;
}

/** What the use cases on collections work with. */
export interface CollectionsDeps {
  readonly servers: Pick<ServerStore, 'find'>;
  readonly placements: Pick<PlacementStore, 'databaseOf'>;
  readonly pool: Pick<ConnectorPool, 'use'>;
}

/** On which server, for whom. */
export interface OnServer {
  readonly serverId: string;
  readonly scope: Scope;
}

/** One page of a server's collections, in its own order; they can also be looked at before the server is active. */
export async function listCollections(
  deps: CollectionsDeps,
  { limit, cursor, ...where }: OnServer & { readonly limit: number; readonly cursor?: string },
  call: Call,
): Promise<{ collections: readonly Collection[]; nextCursor: string | undefined }> {
  const page = await onServer(deps, where, call, (connector, options) =>
    connector.listCollections({ cursor, limit }, options),
  );
  const owners = await deps.placements.databaseOf(
    where.serverId,
    page.collections.map(({ name }) => name),
  );
  const collections = page.collections.map((info) => ({ ...info, databaseId: owners.get(info.name) ?? '' }));
  return { collections, nextCursor: page.nextCursor ?? undefined };
}

/** One collection; COLLECTION_NOT_FOUND. */
export async function getCollection(
  deps: CollectionsDeps,
  { name, ...where }: OnServer & { readonly name: string },
  call: Call,
): Promise<Collection> {
  const found = await onServer(deps, where, call, async (connector, options) => {
    const info = await connector.describeCollection(name, options);
    const { records, ...rest } = await connector.stats(name, options);
    return { ...info, ...rest, recordCount: records };
  });
  const owners = await deps.placements.databaseOf(where.serverId, [name]);
  return { ...found, databaseId: owners.get(name) ?? '' };
}

/** Makes a collection; COLLECTION_EXISTS, UNSUPPORTED_BY_SERVER, SERVER_INACTIVE. */
export async function createCollection(
  deps: CollectionsDeps,
  { name, dimension, metric, ...where }: OnServer & { name: string; dimension: number; metric: Metric },
  call: Call,
): Promise<Collection> {
  checkName(name);
  const server = await getServer(deps.servers, where.serverId, where.scope);
  if (!server.isActive) throw new DomainError('SERVER_INACTIVE', 'The server has not passed a connection test yet.');
  const info = await onServer(deps, where, call, (connector, options) => {
    checkFits(connector, dimension, metric);
    return connector.createCollection({ name, dimension, metric }, options);
  });
  return { ...info, databaseId: '', recordCount: 0 };
}

/** Deletes a collection with its records; COLLECTION_IN_USE when it belongs to a database. */
export async function deleteCollection(
  deps: CollectionsDeps,
  { name, ...where }: OnServer & { readonly name: string },
  call: Call,
): Promise<void> {
  await getServer(deps.servers, where.serverId, where.scope);
  const owners = await deps.placements.databaseOf(where.serverId, [name]);
  const databaseId = owners.get(name);
  if (databaseId !== undefined) {
    throw new DomainError('COLLECTION_IN_USE', 'The collection belongs to a database; delete that instead.', {
      metadata: { databaseId },
    });
  }
  await onServer(deps, where, call, (connector, options) => connector.deleteCollection(name, {}, options));
}

async function onServer<T>(
  { servers, pool }: CollectionsDeps,
  { serverId, scope }: OnServer,
  call: Call,
  use: (connector: VectorConnector, options: CallOptions) => Promise<T>,
): Promise<T> {
  const { revision } = await getServer(servers, serverId, scope);
  try {
    return await pool.use({ serverId, revision }, (connector) => use(connector, call.options()));
  } catch (error) {
    throw fromConnectorError(error, call.signal);
  }
}

function checkName(name: string): void {
  const description = collectionNameProblem(name);
  if (!description) return;
  throw new DomainError('INVALID_ARGUMENT', `${description}.`, {
    violations: [{ field: 'collection.name', description }],
  });
}

function checkFits(connector: VectorConnector, dimension: number, metric: Metric): void {
  const { metrics, maxDimension } = connector.capabilities();
  if (dimension <= maxDimension && metrics.includes(metric)) return;
  const what = dimension > maxDimension ? `at most ${maxDimension} dimensions` : `the metrics ${metrics.join(', ')}`;
  throw new DomainError('UNSUPPORTED_BY_SERVER', `The server takes ${what}.`);
}
