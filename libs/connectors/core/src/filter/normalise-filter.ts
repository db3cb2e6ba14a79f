import { isMetadataKey } from '../metadata.ts';
import type { Condition, Filter, ListCondition, RangeCondition, Scalar } from './filter.ts';
import { matches } from './matches.ts';

/** A filter in which `not` stands only before ranges and every group has at least two parts. */
export type NormalFilter =
  | Condition
  | { readonly not: RangeCondition }
  | { readonly and: readonly NormalFilter[] }
  | { readonly or: readonly NormalFilter[] };

const OPPOSITE = { eq: 'ne', ne: 'eq', in: 'nin', nin: 'in' } as const;

/**
 * Pushes negations down to the conditions and folds what is constant, because several vendors have no negation and
 * reject or misread empty lists and groups of one. The result is `true` or `false` when the filter is constant.
 * A negated range stays: it also matches records without the key or with a value of another type.
 */
export function normaliseFilter(filter: Filter): NormalFilter | boolean {
  return normalise(filter, false);
}

function normalise(filter: Filter, negated: boolean): NormalFilter | boolean {
  if ('not' in filter) return normalise(filter.not, !negated);
  if ('and' in filter) return negated ? anyOf(filter.and, true) : allOf(filter.and, false);
  if ('or' in filter) return negated ? allOf(filter.or, true) : anyOf(filter.or, false);
  // A reserved or operator-like name never reaches a vendor.
  if (!isMetadataKey(filter.field)) return matches(filter, undefined) !== negated;
  switch (filter.op) {
    case 'eq':
    case 'ne':
      return negated ? { ...filter, op: OPPOSITE[filter.op] } : filter;
    case 'in':
    case 'nin':
      return foldList(negated ? { ...filter, op: OPPOSITE[filter.op] } : filter);
    case 'exists':
      return negated ? { ...filter, value: !filter.value } : filter;
    default:
      return negated ? { not: filter } : filter;
  }
}

function foldList(condition: ListCondition): NormalFilter | boolean {
  const values: readonly Scalar[] = [...new Set(condition.value)];
  const [first] = values;
  if (first === undefined) return condition.op === 'nin';
  if (values.length > 1) return { ...condition, value: values };
  return { field: condition.field, op: condition.op === 'in' ? 'eq' : 'ne', value: first };
}

function allOf(filters: readonly Filter[], negated: boolean): NormalFilter | boolean {
  const parts: NormalFilter[] = [];
  for (const filter of filters) {
    const part = normalise(filter, negated);
    if (part === false) return false;
    if (part === true) continue;
    if ('and' in part) parts.push(...part.and);
    else parts.push(part);
  }
  const [first] = parts;
  if (first === undefined) return true;
  return parts.length === 1 ? first : { and: parts };
}

function anyOf(filters: readonly Filter[], negated: boolean): NormalFilter | boolean {
  const parts: NormalFilter[] = [];
  for (const filter of filters) {
    const part = normalise(filter, negated);
    if (part === true) return true;
    if (part === false) continue;
    if ('or' in part) parts.push(...part.or);
    else parts.push(part);
  }
  const [first] = parts;
  if (first === undefined) return false;
  return parts.length === 1 ? first : { or: parts };
}
