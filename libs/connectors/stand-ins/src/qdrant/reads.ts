import type { Collection, StoredPoint } from './collection.ts';
import { badBody, notFound, wrongInput } from './failure.ts';
import { parseFilter } from './filter.ts';
import { parseId, readId } from './ids.ts';
import { isInteger, isObject, type JsonObject, kindOf } from './json.ts';
import { parseOrder, sortByField } from './order.ts';
import { countOf } from './parameters.ts';
import { parsePath, valuesAt } from './path.ts';
import { readQuery, type Scored, shownHit } from './query.ts';
import { parseSelect, type Select } from './select.ts';
import { checkFilter, checkRead } from './strict-mode.ts';

/** A read that was understood, and waits for its collection. */
export type Read = (collection: Collection) => unknown;

const SCROLL_LIMIT = 10;
const GROUPS = 10;
const GROUP_SIZE = 3;
const FACET_LIMIT = 10;

/** Points by id, as they were asked for; missing ones are left out, and each is given once. */
export function readRetrieve(body: unknown): Read {
  const { ids } = isObject(body) ? body : {};
  if (!Array.isArray(ids)) throw badBody('missing field `ids`');
  const unique = [...new Set(ids.map(parseId))];
  const select = parseSelect(body as JsonObject, false);
  return (collection) =>
    unique
      .map((id) => collection.get(id))
      .filter((point) => point !== undefined)
      .map((point) => shown(point, select));
}

export function readOne(id: string): Read {
  const known = readId(/^\d+$/.test(id) ? BigInt(id) : id);
  const key = typeof known === 'bigint' && known <= Number.MAX_SAFE_INTEGER ? Number(known) : known;
  if (key === undefined) throw wrongInput(`Can not recognize "${id}" as point id`);
  const select = parseSelect({ with_vector: true }, true);
  return (collection) => {
    const point = collection.get(key);
    if (!point) throw notFound(`Point with id ${id} does not exists!`);
    return shown(point, select);
  };
}

/** In the order of the ids, from `offset` on, or in that of a field. */
export function readScroll(body: unknown): Read {
  if (!isObject(body)) {
    throw badBody(`invalid type: ${kindOf(body)}, expected struct ScrollRequest`);
  }
  const limit = countOf(body, 'limit', SCROLL_LIMIT, 'scroll_request');
  const { offset, order_by: orderBy, filter } = body;
  const from = offset === undefined || offset === null ? undefined : parseId(offset);
  const select = parseSelect(body, true);
  parseFilter(filter, { tokens: () => undefined, validated: true }, 'scroll_request.filter');
  return (collection) => {
    checkRead(collection, { limit, filter });
    const passes = parseFilter(filter, collection.filterContext());
    if (orderBy !== undefined && orderBy !== null) {
      if (from !== undefined) {
        throw wrongInput(
          "Cannot use an `offset` when using `order_by`. The alternative for paging is to use `order_by.start_from` and a filter to exclude the IDs that you've already seen for the `order_by.start_from` value",
        );
      }
      const sorted = sortByField(collection, parseOrder(orderBy), passes).slice(0, limit);
      const points = sorted.map(({ point, value }) => ({ ...shown(point, select), order_value: value }));
      return { points, next_page_offset: null };
    }
    const page: StoredPoint[] = [];
    for (const point of collection.points(from)) {
      if (!passes(point)) continue;
      if (page.length === limit) return { points: page.map((each) => shown(each, select)), next_page_offset: point.id };
      page.push(point);
    }
    return { points: page.map((each) => shown(each, select)), next_page_offset: null };
  };
}

export function readCount(body: unknown): Read {
  if (!isObject(body)) throw badBody(`invalid type: ${kindOf(body)}, expected struct CountRequest`);
  const { filter, exact = true } = body;
  parseFilter(filter, { tokens: () => undefined, validated: true }, 'count_request.filter');
  return (collection) => {
    checkFilter(collection, filter, 'retrieve');
    // Counting exactly is a search like any other in strict mode.
    checkRead(collection, { params: { exact } });
    const passes = parseFilter(filter, collection.filterContext());
    let count = 0;
    for (const point of collection.points()) if (passes(point)) count++;
    return { count };
  };
}

export function readPointsQuery(body: unknown, timeoutSeconds: number | undefined): Read {
  const query = readQuery(body, 'internal', timeoutSeconds);
  return (collection) => ({ points: query.run(collection).map((hit) => shownHit(hit, query.select)) });
}

/** The endpoint of old: the same search, its list bare. */
export function readSearch(body: unknown): Read {
  if (!isObject(body)) throw badBody(`invalid type: ${kindOf(body)}, expected struct SearchRequest`);
  const query = readQuery({ ...body, query: body.vector }, 'search_request');
  return (collection) => query.run(collection).map((hit) => shownHit(hit, query.select));
}

/** The best of each value of a field; of an array each element counts. */
export function readGroups(body: unknown): Read {
  if (!isObject(body)) throw badBody(`invalid type: ${kindOf(body)}, expected struct QueryGroupsRequestInternal`);
  const place = 'search_group_request.group_request';
  const groups = countOf(body, 'limit', GROUPS, place);
  const size = countOf(body, 'group_size', GROUP_SIZE, place);
  if (body.group_by === undefined) throw badBody('missing field `group_by`');
  const path = parsePath(body.group_by);
  const query = readQuery({ ...body, limit: 1 });
  return (collection) => {
    const byValue = new Map<unknown, Scored[]>();
    for (const hit of query.run(collection, Number.MAX_SAFE_INTEGER)) {
      const values = valuesAt(hit.point.payload, path).flatMap(
        (value) => (Array.isArray(value) ? value : [value]) as unknown[],
      );
      for (const value of new Set(values.filter((each) => typeof each === 'string' || isInteger(each)))) {
        const hits = byValue.get(value) ?? [];
        byValue.set(value, hits);
        if (hits.length < size) hits.push(hit);
      }
    }
    const shownGroups = [...byValue].slice(0, groups).map(([id, hits]) => ({
      hits: hits.map((hit) => shownHit(hit, query.select)),
      id,
    }));
    return { groups: shownGroups };
  };
}

/** How often each value occurs. */
export function readFacet(body: unknown): Read {
  const { key, limit = FACET_LIMIT, filter } = isObject(body) ? body : {};
  const path = parsePath(key);
  return (collection) => {
    const type = collection.indexType(String(key));
    if (type !== 'keyword' && type !== 'integer' && type !== 'uuid' && type !== 'bool') {
      throw wrongInput(
        `No appropriate index for faceting: \`${String(key)}\`. Please create one to facet on this field. Check https://qdrant.tech/documentation/concepts/indexing/#payload-index to see which payload schemas support Match conditions`,
      );
    }
    checkFilter(collection, filter, 'retrieve');
    const passes = parseFilter(filter, collection.filterContext());
    const counts = new Map<unknown, number>();
    for (const point of collection.points()) {
      if (!passes(point)) continue;
      const values = valuesAt(point.payload, path).flatMap(
        (value) => (Array.isArray(value) ? value : [value]) as unknown[],
      );
      for (const value of new Set(values)) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const hits = [...counts].map(([value, count]) => ({ value, count }));
    const byCount = hits.sort((a, b) => b.count - a.count || (String(a.value) < String(b.value) ? -1 : 1));
    return { hits: byCount.slice(0, Number(limit)) };
  };
}

function shown(point: StoredPoint, select: Select): JsonObject {
  return { id: point.id, ...select(point) };
}
