import type { Collection, StoredPoint } from './collection.ts';
import { badBody, Failure, wrongInput } from './failure.ts';
import { type Predicate, parseFilter } from './filter.ts';
import { compareIds, type PointId, readId } from './ids.ts';
import { float32, isObject, type JsonObject } from './json.ts';
import { parseOrder, sortByField } from './order.ts';
import { countOf } from './parameters.ts';
import { found } from './points.ts';
import { parseSelect, type Select } from './select.ts';
import { checkRead } from './strict-mode.ts';
import { checkDimension, dotOfSparse, isAscending, parseSparse, prepare, type Sparse, scoreOf } from './vectors.ts';

export interface Scored {
  readonly point: StoredPoint;
  readonly score: number;
  /** Of an ordered query, in place of a score that counts. */
  readonly orderValue?: unknown;
}

const LIMIT = 10;
const RRF_CONSTANT = 2;
const NO_QUERY = 'Expected some form of vector, id, or a type of query';

/** A query that was read: everything that can be refused without the collection has been. */
export interface Query {
  readonly limit: number;
  readonly select: Select;
  run(collection: Collection, limit?: number): Scored[];
}

/** `place`: what the server calls the request in a text about its limits. */
export function readQuery(body: unknown, place = 'internal', timeoutSeconds?: number): Query {
  if (!isObject(body))
    throw badBody(`invalid type: ${Array.isArray(body) ? 'sequence' : 'null'}, expected struct QueryRequestInternal`);
  const limit = countOf(body, 'limit', LIMIT, place);
  const offset = countOf(body, 'offset', 0);
  const { query, using = '', filter, params, score_threshold: threshold, prefetch, lookup_from: lookup } = body;
  const select = parseSelect(body, false);
  const source = parseSource(query);
  parseFilter(filter, { tokens: () => undefined, validated: true }, `${place}.filter`);
  const legs = prefetch === undefined || prefetch === null ? [] : [prefetch].flat().map((leg) => readQuery(leg, place));
  return {
    limit,
    select,
    run(collection, more = 0) {
      checkRead(collection, { limit, timeoutSeconds, params, filter });
      if (isObject(lookup)) throw new Failure(404, `Not found: Collection ${String(lookup.collection)} not found`);
      const passes = parseFilter(filter, collection.filterContext(), `${place}.filter`);
      const all = source({ collection, using: String(using), passes, legs, threshold });
      // The server counts in 64 bits, and comes round.
      const end = offset + Math.max(limit, more);
      return end >= 2 ** 64 && offset > 0 ? [] : all.slice(offset, end);
    },
  };
}

export function shownHit({ point, score, orderValue }: Scored, select: Select): JsonObject {
  return {
    id: point.id,
    version: point.version,
    score: float32(score),
    ...select(point),
    ...(orderValue !== undefined && { order_value: orderValue }),
  };
}

interface Search {
  readonly collection: Collection;
  readonly using: string;
  readonly passes: Predicate;
  readonly legs: readonly Query[];
  readonly threshold: unknown;
}

type Source = (search: Search) => Scored[];

function parseSource(query: unknown): Source {
  if (query === undefined || query === null) return byId;
  if (Array.isArray(query)) return nearestTo(denseOf(query));
  const id = readId(query);
  if (id !== undefined) return nearestToPoint(id);
  if (!isObject(query)) throw badBody(NO_QUERY);
  if ('nearest' in query) return parseSource(query.nearest);
  if ('indices' in query) return nearestTo(parseSparse(query));
  if (isObject(query.recommend)) return recommended(query.recommend);
  if ('order_by' in query) return ordered(query.order_by);
  if ('sample' in query) return byId;
  if (query.fusion === 'rrf') return fused(RRF_CONSTANT, undefined);
  if (isObject(query.rrf)) {
    return fused(Number(query.rrf.k ?? RRF_CONSTANT), query.rrf.weights as readonly number[] | undefined);
  }
  if (typeof query.text === 'string' && typeof query.model === 'string') return inferred(query.model);
  throw badBody(NO_QUERY);
}

function denseOf(values: readonly unknown[]): Float32Array {
  if (!values.every((value) => typeof value === 'number' || typeof value === 'bigint')) throw badBody(NO_QUERY);
  return Float32Array.from(values, Number);
}

const byId: Source = ({ collection, passes, legs }) => {
  const points = legs.length > 0 ? fusedLegs(legs, collection).map(({ point }) => point) : [...collection.points()];
  return points.filter(passes).map((point) => ({ point: { ...point, version: 0 }, score: 1 }));
};

function nearestTo(vector: Float32Array | Sparse, except: readonly PointId[] = []): Source {
  return ({ collection, using, passes, threshold }) => {
    const candidates = [...collection.points()].filter(
      (point) => point.vectors.has(using) && !except.includes(point.id),
    );
    if (!(vector instanceof Float32Array)) return nearestSparse(collection, using, vector, candidates, passes);
    const dense = collection.dense.get(using);
    if (!dense) throw wrongInput(`Not existing vector name error: ${using}`);
    checkDimension(vector, dense);
    const prepared = prepare(vector, dense.distance);
    const sign = isAscending(dense.distance) ? -1 : 1;
    const near = (score: number) => typeof threshold !== 'number' || sign * score > sign * threshold;
    return candidates
      .filter(passes)
      .map((point) => ({ point, score: scoreOf(dense.distance, prepared, point.vectors.get(using) as Float32Array) }))
      .filter(({ score }) => near(score))
      .sort((a, b) => sign * compareScores(b.score, a.score) || compareIds(a.point.id, b.point.id));
  };
}

/** What is no number is greater than every number. */
function compareScores(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}

function nearestSparse(
  collection: Collection,
  using: string,
  vector: Sparse,
  candidates: readonly StoredPoint[],
  passes: Predicate,
): Scored[] {
  const sparse = collection.sparse.get(using);
  if (!sparse) throw wrongInput(`Not existing vector name error: ${using}`);
  const weighed = sparse.idf ? { ...vector, values: weighByRarity(vector, candidates, using) } : vector;
  const wanted = new Set(vector.indices);
  return candidates
    .filter(passes)
    .filter((point) => (point.vectors.get(using) as Sparse).indices.some((index) => wanted.has(index)))
    .map((point) => ({ point, score: Math.fround(dotOfSparse(weighed, point.vectors.get(using) as Sparse)) }))
    .sort((a, b) => b.score - a.score || compareIds(a.point.id, b.point.id));
}

/** The rarer a dimension, the more it counts. */
function weighByRarity(vector: Sparse, points: readonly StoredPoint[], using: string): number[] {
  return vector.indices.map((index, place) => {
    const having = points.filter((point) => (point.vectors.get(using) as Sparse).indices.includes(index)).length;
    return (vector.values[place] ?? 0) * Math.log(1 + (points.length - having + 0.5) / (having + 0.5));
  });
}

function nearestToPoint(id: PointId): Source {
  return (search) => {
    const vector = found(search.collection, id).vectors.get(search.using);
    return vector ? nearestTo(vector, [id])(search) : [];
  };
}

/** Twice what is liked, less what is not, on the average. */
function recommended({ positive = [], negative = [] }: JsonObject): Source {
  const liked = [positive].flat();
  const disliked = [negative].flat();
  return (search) => {
    const ids = [...liked, ...disliked].map(readId).filter((id) => id !== undefined);
    const mean = (items: readonly unknown[]) => {
      const vectors = items.map((item) => vectorOf(item, search));
      return (vectors[0] ?? new Float32Array()).map(
        (_, at) => vectors.reduce((sum, each) => sum + (each[at] ?? 0), 0) / vectors.length,
      );
    };
    const good = mean(liked);
    const bad = disliked.length > 0 ? mean(disliked) : good;
    return nearestTo(
      good.map((value, at) => 2 * value - (bad[at] ?? 0)),
      ids,
    )(search);
  };
}

function vectorOf(item: unknown, { collection, using }: Search): Float32Array {
  if (Array.isArray(item)) return denseOf(item);
  const id = readId(item);
  if (id === undefined) throw badBody(NO_QUERY);
  return found(collection, id).vectors.get(using) as Float32Array;
}

function ordered(orderBy: unknown): Source {
  const order = parseOrder(orderBy);
  return ({ collection, passes }) =>
    sortByField(collection, order, passes).map(({ point, value }) => ({
      point: { ...point, version: 0 },
      score: 1,
      orderValue: value,
    }));
}

/**
 * Reciprocal rank fusion; ranks count from 0. A weight stretches the ranks of its leg: with 3, its third hit counts as
 * the first one of a leg of 1.
 */
function fused(constant: number, weights: readonly number[] | undefined): Source {
  return ({ collection, legs, passes }) =>
    fusedLegs(legs, collection, constant, weights).filter(({ point }) => passes(point));
}

function fusedLegs(
  legs: readonly Query[],
  collection: Collection,
  constant = RRF_CONSTANT,
  weights?: readonly number[],
): Scored[] {
  const scores = new Map<StoredPoint, number>();
  for (const [leg, query] of legs.entries()) {
    for (const [rank, { point }] of query.run(collection).entries()) {
      scores.set(point, (scores.get(point) ?? 0) + 1 / ((rank + 1) / (weights?.[leg] ?? 1) + constant - 1));
    }
  }
  return [...scores]
    .map(([point, score]) => ({ point, score }))
    .sort((a, b) => b.score - a.score || compareIds(a.point.id, b.point.id));
}

/** Texts are turned into vectors by a service that is not there; words of a text need none, and find nothing here. */
function inferred(model: string): Source {
  return () => {
    if (model.toLowerCase() === 'qdrant/bm25') return [];
    throw new Failure(
      500,
      'Service internal error: InferenceService URL not configured - please provide valid address in config',
    );
  };
}
