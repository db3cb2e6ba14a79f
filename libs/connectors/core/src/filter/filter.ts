/** What a filter compares with. */
export type Scalar = string | number | boolean;

export interface EqualityCondition {
  readonly field: string;
  readonly op: 'eq' | 'ne';
  readonly value: Scalar;
}

export interface RangeCondition {
  readonly field: string;
  readonly op: 'gt' | 'gte' | 'lt' | 'lte';
  readonly value: number | string;
}

export interface ListCondition {
  readonly field: string;
  readonly op: 'in' | 'nin';
  readonly value: readonly Scalar[];
}

export interface ExistsCondition {
  readonly field: string;
  readonly op: 'exists';
  readonly value: boolean;
}

export type Condition = EqualityCondition | RangeCondition | ListCondition | ExistsCondition;

/**
 * One filter language for all vendors; `matches` defines what it means. `field` is a top-level metadata key, taken
 * literally (a dot in it is a dot).
 */
export type Filter =
  | Condition
  | { readonly and: readonly Filter[] }
  | { readonly or: readonly Filter[] }
  | { readonly not: Filter };

export const OPERATORS = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'exists'] as const;
export type Operator = (typeof OPERATORS)[number];

/** Levels of and/or/not around a condition. */
export const FILTER_DEPTH_MAX = 10;
/** Conditions, groups and negations of one filter together. */
export const FILTER_NODES_MAX = 256;
/** Values of all lists of one filter together. */
export const FILTER_VALUES_MAX = 10_000;
/** UTF-8 bytes of one string. */
export const FILTER_STRING_BYTES_MAX = 8192;

/** A filter that is malformed or too large; `path` leads to the place, as in `and[1].value`. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  readonly path: string;

  constructor(path: string, problem: string) {
    super(path === '' ? problem : `${path}: ${problem}`);
    this.path = path;
  }
}
