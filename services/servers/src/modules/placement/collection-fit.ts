import type { Metric, VectorConnector } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import type { Server } from '../server/server.ts';

/** A collection that a placement wants, and what it is to hold. */
export interface WantedCollection {
  readonly collection: string;
  readonly dimension: number;
  readonly metric: Metric;
}

/**
 * Refuses what a server cannot hold, and a collection that is not free: it may exist, but only empty and alike.
 * UNSUPPORTED_BY_SERVER, COLLECTION_IN_USE; `resource` is where the caller named it.
 */
export async function checkCollectionFits(
  connector: VectorConnector,
  { collection, dimension, metric }: WantedCollection,
  resource: string,
  call: Call,
): Promise<void> {
  const { metrics, maxDimension } = connector.capabilities();
  const unsupported = (field: string, description: string): DomainError =>
    new DomainError('UNSUPPORTED_BY_SERVER', `The server ${description}.`, {
      violations: [{ field: `${resource}.${field}`, description: `the server ${description}` }],
    });
  if (!metrics.includes(metric)) throw unsupported('metric', `has no metric ${metric.toUpperCase()}`);
  if (dimension > maxDimension) throw unsupported('dimension', `takes at most ${maxDimension} dimensions`);
  if (!(await connector.collectionExists(collection, call.options()))) return;
  const found = await connector.describeCollection(collection, call.options());
  const isAlike = (found.dimension ?? dimension) === dimension && (found.metric ?? metric) === metric;
  if (!isAlike) throw collectionInUse('exists already, with another dimension or metric', { resource });
  if ((await connector.count(collection, undefined, call.options())) > 0) {
    throw collectionInUse('exists already and holds records', { resource });
  }
}

/** The error for a collection that a placement cannot have. */
export function collectionInUse(
  description: string,
  { resource = 'database', cause }: { resource?: string; cause?: unknown } = {},
): DomainError {
  return new DomainError('COLLECTION_IN_USE', `The collection ${description}.`, {
    violations: [{ field: `${resource}.collection`, description }],
    cause,
  });
}

/** The error for a server that nothing is placed on before it has passed a connection test. */
export function serverInactive({ id }: Pick<Server, 'id'>): DomainError {
  return new DomainError('SERVER_INACTIVE', 'The server has not passed a connection test yet: test it first.', {
    metadata: { serverId: id },
  });
}

/** The error for the name of a collection that no vendor takes. */
export function invalidCollection(description: string, resource: string): DomainError {
  return new DomainError('INVALID_ARGUMENT', `${description}.`, {
    violations: [{ field: `${resource}.collection`, description }],
  });
}

/** The name of a collection that nobody named. */
export function collectionNameFor(id: string): string {
  return `morag_${id.replaceAll('-', '').slice(-16)}`;
}
