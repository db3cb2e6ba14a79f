import type { Collection, StoredPoint } from './collection.ts';
import { badBody, badRequest, Failure, invalidBody, notFound, wrongInput } from './failure.ts';
import { type Predicate, parseFilter } from './filter.ts';
import { type PointId, parseId, readId } from './ids.ts';
import { isObject, type JsonObject, kindOf } from './json.ts';
import { mergeAt, parsePath, project } from './path.ts';
import { checkFilter, checkPointsCount, checkUpsert } from './strict-mode.ts';
import { parseVectors, type Vectors } from './vectors.ts';

/** A write that was read, and is carried out when the collection's turn comes. */
export type Write = (collection: Collection) => void;

/** Which points a write is about. */
type Selector = (collection: Collection) => readonly PointId[];

const NO_SELECTOR = 'data did not match any variant of untagged enum PointsSelector';

interface NewPoint {
  readonly id: PointId;
  readonly vectors: Vectors;
  readonly payload: JsonObject;
}

export function readUpsert(body: unknown): Write {
  const fields = isObject(body) ? body : {};
  const points = 'points' in fields ? pointsOf(fields.points) : 'batch' in fields ? batchOf(fields.batch) : undefined;
  if (!points) throw badBody('Invalid PointInsertOperations format');
  const { update_mode: mode, update_filter: filter, shard_key: shardKey } = fields;
  return (collection) => {
    if (points.length === 0) throw badRequest('Empty update request');
    if (shardKey !== undefined) throw wrongInput(`Shard key ${JSON.stringify(shardKey)} not found`);
    checkUpsert(collection, points.length);
    const passes = filter ? parseFilter(filter, collection.filterContext()) : undefined;
    const accepted = points.map((point) => ({ ...point, vectors: collection.accept(point.vectors) }));
    const version = collection.nextOperation();
    checkPointsCount(collection, version);
    for (const point of accepted) {
      const old = collection.get(point.id);
      const allowed = old ? mode !== 'insert_only' && (passes?.(old) ?? true) : mode !== 'update_only';
      if (allowed) collection.put({ ...point, version });
    }
  };
}

function pointsOf(value: unknown): NewPoint[] {
  if (!Array.isArray(value)) throw badBody(`invalid type: ${kindOf(value)}, expected a sequence`);
  return value.map((point: unknown, index) => {
    if (!isObject(point)) throw badBody(`invalid type: ${kindOf(point)}, expected struct PointStruct`);
    const id = parseId(point.id);
    return { id, vectors: parseVectors(point.vector, `points[${index}].vector`), payload: payloadOf(point.payload) };
  });
}

function batchOf(value: unknown): NewPoint[] {
  const { ids, vectors, payloads } = isObject(value) ? value : {};
  if (!Array.isArray(ids) || !Array.isArray(vectors)) throw badBody('missing field `ids`');
  if (ids.length !== vectors.length) {
    throw invalidBody(`batch.batch: number of ids and vectors must be equal (${ids.length} != ${vectors.length})`);
  }
  return ids.map((id: unknown, index) => ({
    id: parseId(id),
    vectors: parseVectors(vectors[index], `batch.vectors[${index}]`),
    payload: payloadOf(Array.isArray(payloads) ? payloads[index] : undefined),
  }));
}

function payloadOf(value: unknown): JsonObject {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw badBody(`invalid type: ${kindOf(value)}, expected a map`);
  return value;
}

/** Points by id, or else by filter: of both the ids count. */
function readSelector(body: unknown, missing: string): Selector {
  const { points, filter } = isObject(body) ? body : {};
  if (points !== undefined && points !== null) {
    const ids = Array.isArray(points) ? points.map(readId) : [undefined];
    if (ids.includes(undefined)) throw badBody(NO_SELECTOR);
    return () => ids as PointId[];
  }
  if (filter === undefined || filter === null) throw badBody(missing);
  return (collection) => matchingIds(collection, filter);
}

function matchingIds(collection: Collection, filter: unknown): PointId[] {
  checkFilter(collection, filter, 'update');
  const passes = parseFilter(filter, { ...collection.filterContext(), validated: false });
  return [...collection.points()].filter(passes).map(({ id }) => id);
}

export function readDelete(body: unknown): Write {
  const selector = readSelector(body, NO_SELECTOR);
  // What does not read as a filter is no selector either.
  const { points, filter } = body as JsonObject;
  if (points === undefined) checkReadable(filter);
  return (collection) => {
    const ids = selector(collection);
    if (ids.length === 0 && points !== undefined) throw badRequest('Empty update request');
    collection.nextOperation();
    for (const id of ids) collection.remove(id);
  };
}

function checkReadable(filter: unknown): Predicate {
  try {
    return parseFilter(filter, { tokens: () => undefined });
  } catch (error) {
    throw error instanceof Failure ? badBody(NO_SELECTOR) : error;
  }
}

const NO_PAYLOAD_SELECTOR = 'Either list of point ids or filter must be provided';

/** What becomes of the payload of each point that is selected. */
function payloadWrite(body: unknown, change: (payload: Record<string, unknown>) => unknown): Write {
  const selector = readSelector(body, NO_PAYLOAD_SELECTOR);
  return (collection) => {
    const ids = selector(collection);
    const version = collection.nextOperation();
    for (const id of ids) {
      const point = found(collection, id);
      const payload = change(structuredClone(point.payload) as Record<string, unknown>) as JsonObject;
      collection.put({ ...point, payload, version });
    }
  };
}

/** Merges the top level; null takes a key away. */
export function readSetPayload(body: unknown): Write {
  const { payload: patch, key } = isObject(body) ? body : {};
  const given = payloadOf(patch);
  const path = key === undefined || key === null ? [] : parsePath(key);
  return payloadWrite(body, (payload) => {
    mergeAt(payload, path, given);
    return Object.fromEntries(Object.entries(payload).filter(([name]) => given[name] !== null));
  });
}

export function readOverwritePayload(body: unknown): Write {
  const given = payloadOf(isObject(body) ? body.payload : undefined);
  return payloadWrite(body, () => given);
}

export function readDeletePayload(body: unknown): Write {
  const { keys } = isObject(body) ? body : {};
  if (!Array.isArray(keys)) throw badBody('missing field `keys`');
  const paths = keys.map(parsePath);
  return payloadWrite(body, (payload) => project(payload, paths, false));
}

export function readClearPayload(body: unknown): Write {
  return payloadWrite(body, () => ({}));
}

export function readUpdateVectors(body: unknown): Write {
  const { points } = isObject(body) ? body : {};
  if (!Array.isArray(points)) throw badBody('missing field `points`');
  const changes = points.map((point: unknown, index) => {
    const { id, vector } = isObject(point) ? point : {};
    return { id: parseId(id), vectors: parseVectors(vector, `points[${index}].vector`) };
  });
  return (collection) => {
    const accepted = changes.map(({ id, vectors }) => ({ id, vectors: collection.accept(vectors) }));
    const version = collection.nextOperation();
    for (const { id, vectors } of accepted) {
      const point = found(collection, id);
      collection.put({ ...point, vectors: new Map([...point.vectors, ...vectors]), version });
    }
  };
}

const OPERATIONS: Readonly<Record<string, (body: unknown) => Write>> = {
  upsert: readUpsert,
  delete: readDelete,
  set_payload: readSetPayload,
  overwrite_payload: readOverwritePayload,
  delete_payload: readDeletePayload,
  clear_payload: readClearPayload,
  update_vectors: readUpdateVectors,
};

/** One after the other: those before a failing one stay. */
export function readBatch(body: unknown): readonly Write[] {
  const { operations } = isObject(body) ? body : {};
  if (!Array.isArray(operations)) throw badBody('missing field `operations`');
  return operations.map((operation: unknown) => {
    const [name = '', inner] = Object.entries(isObject(operation) ? operation : {})[0] ?? [];
    const read = OPERATIONS[name];
    if (!read) throw badBody('data did not match any variant of untagged enum UpdateOperation');
    return read(inner);
  });
}

export function found(collection: Collection, id: PointId): StoredPoint {
  const point = collection.get(id);
  if (!point) throw notFound(`No point with id ${id} found`);
  return point;
}
