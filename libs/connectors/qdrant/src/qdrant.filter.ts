import {
  type Filter,
  inexact,
  type NormalFilter,
  normaliseFilter,
  type RangeCondition,
  type Scalar,
  type Translation,
} from '@morag/connectors-core';
import { ARRAYS_KEY, nativeKey, pathOf } from './qdrant.payload.ts';

/** The part of Qdrant's filter language that is used. */
export type Condition =
  | { readonly key: string; readonly match: { readonly value: string | boolean } | { readonly any: readonly string[] } }
  | { readonly key: string; readonly match: { readonly any: readonly number[] } }
  | { readonly key: string; readonly range: { readonly [Bound in RangeCondition['op']]?: number } }
  | { readonly is_empty: { readonly key: string } }
  | Clause;

/** Conditions that all (`must`), one (`should`) or none (`must_not`) of which hold. Without any it matches everything! */
export interface Clause {
  readonly must?: readonly Condition[];
  readonly should?: readonly Condition[];
  readonly must_not?: readonly Condition[];
}

/**
 * A filter in Qdrant's terms. `none`: nothing can match. Without `clause` everything may. When not `exact`, the points
 * that pass `clause` include all that match, and `matches` has to pick them out.
 */
export interface QdrantFilter {
  readonly none: boolean;
  readonly clause?: Clause;
  readonly exact: boolean;
}

/** Longer lists of integers are matched as such, which an index of floats does not serve, but is one condition. */
const RANGES_MAX = 256;

interface State extends Translation {
  /** The marks of arrays are there. */
  readonly ours: boolean;
}

/** `ours`: the points were written by this connector, which marks arrays. */
export function toQdrantFilter(filter: Filter | undefined, ours: boolean): QdrantFilter {
  const normal = filter ? normaliseFilter(filter) : true;
  if (typeof normal === 'boolean') return { none: !normal, exact: true };
  const state: State = { ours, exact: true };
  const condition = translate(normal, state);
  if (condition === undefined) return { none: false, exact: false };
  return {
    none: false,
    clause: 'key' in condition || 'is_empty' in condition ? { must: [condition] } : condition,
    exact: state.exact,
  };
}

/** False for a clause that, in any of its parts, says nothing and so matches everything. */
export function isNarrow(clause: Clause): boolean {
  const { must = [], should = [], must_not = [] } = clause;
  const conditions = [...must, ...should, ...must_not];
  return conditions.length > 0 && conditions.every((each) => 'key' in each || 'is_empty' in each || isNarrow(each));
}

function translate(node: NormalFilter, state: State): Condition | undefined {
  if ('and' in node) {
    const parts = node.and.map((child) => translate(child, state)).filter((part) => part !== undefined);
    return parts.length > 0 ? { must: parts } : undefined;
  }
  if ('or' in node) {
    const parts = node.or.map((child) => translate(child, state)).filter((part) => part !== undefined);
    return parts.length === node.or.length ? { should: parts } : undefined;
  }
  if ('not' in node) {
    const inner = range(node.not, state);
    return inner && { must_not: [inner] };
  }
  // Keys of another program that no path can name.
  if (!state.ours && /["\\]/.test(node.field)) return inexact(state);
  const key = pathOf(nativeKey(node.field));
  switch (node.op) {
    case 'eq':
      return oneOf(key, [node.value]);
    case 'ne':
      return { must_not: [oneOf(key, [node.value])] };
    case 'in':
      return oneOf(key, node.value);
    case 'nin':
      return { must_not: [oneOf(key, node.value)] };
    case 'exists':
      return exists(node.field, key, node.value, state);
    default:
      return range(node, state);
  }
}

/** Numbers are matched by a range: `match` takes no fractions, and 1.0 as another program may have stored it is no 1. */
function oneOf(key: string, values: readonly Scalar[]): Condition {
  const texts = values.filter((value) => typeof value === 'string');
  const booleans = values.filter((value) => typeof value === 'boolean');
  const numbers = values.filter((value) => typeof value === 'number');
  const asIntegers = numbers.length > RANGES_MAX ? numbers.filter(Number.isSafeInteger) : [];
  const asRanges = asIntegers.length > 0 ? numbers.filter((value) => !Number.isSafeInteger(value)) : numbers;
  const [text] = texts;
  const parts: Condition[] = [
    ...(texts.length > 1 ? [{ key, match: { any: texts } }] : []),
    ...(texts.length === 1 && text !== undefined ? [{ key, match: { value: text } }] : []),
    ...booleans.map((value) => ({ key, match: { value } })),
    ...(asIntegers.length > 0 ? [{ key, match: { any: asIntegers } }] : []),
    ...asRanges.map((value) => ({ key, range: { gte: value, lte: value } })),
  ];
  const [first] = parts;
  return parts.length === 1 && first ? first : { should: parts };
}

/** To the server an empty array is as good as no key. */
function exists(field: string, key: string, wanted: boolean, state: State): Condition | undefined {
  if (!state.ours) return inexact(state);
  const isArray = hasArray(field);
  return wanted
    ? { should: [{ must_not: [{ is_empty: { key } }] }, isArray] }
    : { must: [{ is_empty: { key } }, { must_not: [isArray] }] };
}

/** Of numbers, and of no array, whose elements the server would compare. It has no ranges of text. */
function range({ field, op, value }: RangeCondition, state: State): Condition | undefined {
  if (typeof value !== 'number' || !state.ours) return inexact(state);
  return { must: [{ key: pathOf(nativeKey(field)), range: { [op]: value } }], must_not: [hasArray(field)] };
}

function hasArray(field: string): Condition {
  return { key: ARRAYS_KEY, match: { value: field } };
}
