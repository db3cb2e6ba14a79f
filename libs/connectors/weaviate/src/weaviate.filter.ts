import {
  type Condition,
  type Filter,
  type NormalFilter,
  normaliseFilter,
  type RangeCondition,
} from '@morag/connectors-core';
import type { WeaviateCollection } from './weaviate.collections.ts';
import { group, type WeaviateFilter, where } from './weaviate.messages.ts';
import {
  ANY_RECORD,
  FACTS,
  hasKey,
  hasType,
  hasValue,
  orderedNumber,
  orderedText,
  RANGE_PROPERTIES_MAX,
  rangeProperty,
} from './weaviate.properties.ts';

/**
 * A filter in Weaviate's terms. `none`: nothing can match. Without `where` everything may. When not `exact`, the records
 * that pass `where` include all that match, and `matches` has to pick them out.
 */
export interface WeaviateWhere {
  readonly none: boolean;
  readonly where?: WeaviateFilter;
  readonly exact: boolean;
  /** It asks for the order of a key that the class, as it is known here, has no property for. */
  readonly stale: boolean;
}

/** Everything, nothing, or what keeps the filter. */
type Part = WeaviateFilter | boolean;

interface State {
  readonly properties: ReadonlySet<string>;
  exact: boolean;
  stale: boolean;
  /** It says of something that it is not so. */
  excludes: boolean;
}

/** More values than these are compared here; the server has no operator for them before 1.33. */
const EXCLUDED_MAX = 64;

const OPPOSITE = { gt: 'lte', gte: 'lt', lt: 'gte', lte: 'gt' } as const;

export function toWeaviateFilter(filter: Filter | undefined, collection: WeaviateCollection): WeaviateWhere {
  const normal = filter ? normaliseFilter(filter) : true;
  if (typeof normal === 'boolean') return { none: !normal, exact: true, stale: false };
  // Nothing is known of how another program's classes are indexed.
  if (!collection.createdByUs) return { none: false, exact: false, stale: false };
  const state: State = { properties: collection.properties, exact: true, stale: false, excludes: false };
  const part = translate(normal, state);
  const { exact, stale, excludes } = state;
  if (typeof part === 'boolean') return { none: !part, exact, stale };
  return { none: false, where: excludes ? group('and', [EVERYTHING, part]) : part, exact, stale };
}

/**
 * Holds for every object of a class that this connector made. The server refuses an empty filter, and takes objects that
 * were deleted for some that `NotEqual` holds for: they are counted, and deleted once more, unless something else of the
 * filter has to hold for them.
 */
export const EVERYTHING: WeaviateFilter = where(FACTS, 'equal', ANY_RECORD);

function translate(node: NormalFilter, state: State): Part {
  if ('and' in node) return and(node.and.map((child) => translate(child, state)));
  if ('or' in node) return or(node.or.map((child) => translate(child, state)));
  if ('not' in node) return range(node.not, state, true);
  return condition(node, state);
}

function condition(node: Condition, state: State): Part {
  const { field } = node;
  switch (node.op) {
    case 'eq':
      return where(FACTS, 'equal', hasValue(field, node.value));
    case 'ne':
      return isNot(hasValue(field, node.value), state);
    case 'in':
      return where(
        FACTS,
        'containsAny',
        node.value.map((value) => hasValue(field, value)),
      );
    case 'nin':
      if (node.value.length > EXCLUDED_MAX) return inexact(state);
      return and(node.value.map((value) => isNot(hasValue(field, value), state)));
    case 'exists':
      return node.value ? where(FACTS, 'equal', hasKey(field)) : isNot(hasKey(field), state);
    default:
      return range(node, state, false);
  }
}

/** A negated range holds as well for records whose value has another type, or that have none. */
function range({ field, op, value }: RangeCondition, state: State, negated: boolean): Part {
  const type = typeof value === 'number' ? 'number' : 'string';
  const property = rangeProperty(field, type);
  if (state.properties.has(property)) {
    const bound = typeof value === 'number' ? orderedNumber(value) : orderedText(value);
    if (!negated) return where(property, op, bound);
    return or([isNot(hasType(field, type), state), where(property, OPPOSITE[op], bound)]);
  }
  if (type === 'string' || isFull(state.properties)) {
    state.exact = false;
    return negated || where(FACTS, 'equal', hasType(field, type));
  }
  // Every number is written with its property: without one there is no number under this key.
  state.stale = true;
  return negated;
}

/** Whether the class has all the properties for ranges that it may have. */
export function isFull(properties: ReadonlySet<string>): boolean {
  return properties.size >= RANGE_PROPERTIES_MAX;
}

function isNot(fact: string, state: State): Part {
  state.excludes = true;
  return where(FACTS, 'notEqual', fact);
}

function inexact(state: State): true {
  state.exact = false;
  return true;
}

function and(parts: readonly Part[]): Part {
  if (parts.includes(false)) return false;
  const known = parts.filter((part) => typeof part !== 'boolean');
  const [first] = known;
  if (first === undefined) return true;
  return known.length === 1 ? first : group('and', known);
}

function or(parts: readonly Part[]): Part {
  if (parts.includes(true)) return true;
  const known = parts.filter((part) => typeof part !== 'boolean');
  const [first] = known;
  if (first === undefined) return false;
  return known.length === 1 ? first : group('or', known);
}
