import type { Origin } from './calls.ts';
import { ConnectorError } from './connector.error.ts';
import type { CollectionInfo, CollectionSpec } from './connector.port.ts';

/** What callers are told, without what a connector keeps beside it. */
export function toCollectionInfo(collection: CollectionInfo): CollectionInfo {
  const { name, nativeName, dimension, metric, state, createdByUs } = collection;
  return { name, nativeName, dimension, metric, state, createdByUs };
}

/** Of a name that no collection has. */
export function noSuchCollection(origin: Origin): ConnectorError {
  return new ConnectorError('not_found', origin, 'There is no such collection.');
}

/** Of a name that is taken. */
export function alreadyExists(origin: Origin): ConnectorError {
  return new ConnectorError('already_exists', origin, 'A collection of this name exists.');
}

/** Refuses to take a collection that is there for the one that was to be created, unless it holds the same vectors. */
export function checkPresent(origin: Origin, present: CollectionInfo, spec: CollectionSpec): void {
  if (present.dimension !== spec.dimension || present.metric !== spec.metric) {
    throw new ConnectorError('conflict', origin, 'The collection exists with another dimension or metric.');
  }
}
