import type { JsonValue, Metadata } from '../connector.port.ts';
import type { Condition, Filter, RangeCondition, Scalar } from './filter.ts';

/**
 * What a filter means. Every connector's translation is tested against this function.
 *
 * - A key that is missing or null matches nothing but `ne`, `nin`, `exists: false` and negations.
 * - `eq` and `in` on an array match when any element does; `ne` and `nin` are their exact opposites.
 * - Values of different types are never equal, and a range never matches a value of another type than its bound.
 * - Strings compare by code point. An object never equals anything.
 * - `in []` and `or []` match nothing, `nin []` and `and []` everything.
 */
export function matches(filter: Filter, metadata: Metadata | undefined): boolean {
  if ('and' in filter) return filter.and.every((child) => matches(child, metadata));
  if ('or' in filter) return filter.or.some((child) => matches(child, metadata));
  if ('not' in filter) return !matches(filter.not, metadata);
  const present = metadata !== undefined && Object.hasOwn(metadata, filter.field);
  return matchesCondition(filter, present ? metadata[filter.field] : undefined);
}

function matchesCondition(condition: Condition, value: JsonValue | undefined): boolean {
  switch (condition.op) {
    case 'eq':
      return holds(value, condition.value);
    case 'ne':
      return !holds(value, condition.value);
    case 'in':
      return condition.value.some((item) => holds(value, item));
    case 'nin':
      return !condition.value.some((item) => holds(value, item));
    case 'exists':
      return (value !== undefined && value !== null) === condition.value;
    default:
      return inRange(condition, value);
  }
}

function holds(value: JsonValue | undefined, wanted: Scalar): boolean {
  return Array.isArray(value) ? value.includes(wanted) : value === wanted;
}

function inRange(condition: RangeCondition, value: JsonValue | undefined): boolean {
  const order = compare(value, condition.value);
  if (order === undefined) return false;
  switch (condition.op) {
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
  }
}

function compare(value: JsonValue | undefined, bound: number | string): number | undefined {
  if (typeof value === 'number' && typeof bound === 'number') return value - bound;
  if (typeof value === 'string' && typeof bound === 'string') return compareText(value, bound);
  return undefined;
}

/** By code point, which is also the order of the UTF-8 bytes; JavaScript's `<` goes by UTF-16 unit. */
export function compareText(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let index = 0; index < end; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

// Surrogates stand for code points above every other unit.
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
