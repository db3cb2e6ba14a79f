import { badBody, invalidBody } from './failure.ts';
import { type PointId, readId } from './ids.ts';
import { isInteger, isObject, type JsonObject } from './json.ts';
import { type Path, parsePath, valuesAt } from './path.ts';
import type { Vectors } from './vectors.ts';

export interface FilteredPoint {
  readonly id: PointId;
  readonly payload: JsonObject;
  readonly vectors: Vectors;
}

/** True for a point that passes. */
export type Predicate = (point: FilteredPoint) => boolean;

/** A test of one value, and the kind of index that answers it. */
export interface FieldTest {
  readonly index: string;
  readonly size: number;
  test(value: unknown): boolean;
}

export interface FilterContext {
  /** Words of a text as the field's index cuts them; undefined where there is no such index. */
  tokens(field: string): ((text: string) => string[]) | undefined;
  /** Told of each condition on a field. */
  onField?(field: string, test: FieldTest): void;
  /** A condition without an operator is refused, where it is looked for at all. */
  readonly validated?: boolean;
}

const CLAUSES = ['should', 'min_should', 'must', 'must_not'] as const;
const NO_CONDITION =
  'Expected some form of condition, which can be a field condition (like {"key": ..., "match": ... }), or some other mentioned in the documentation: https://qdrant.tech/documentation/concepts/filtering/#filtering-conditions';
const NO_MATCH = 'data did not match any variant of untagged enum MatchInterface';
const OPERATORS = ['match', 'range', 'values_count', 'is_empty', 'is_null'] as const;

/** A filter as a function. One that says nothing lets everything pass, as at the server. */
export function parseFilter(value: unknown, context: FilterContext, place = 'filter'): Predicate {
  if (value === undefined || value === null) return () => true;
  if (!isObject(value)) throw badBody('invalid type: expected struct Filter');
  const unknown = Object.keys(value).find((key) => !CLAUSES.includes(key as (typeof CLAUSES)[number]));
  if (unknown !== undefined) {
    throw badBody(`unknown field \`${unknown}\`, expected one of ${CLAUSES.map((key) => `\`${key}\``).join(', ')}`);
  }
  const list = (name: 'should' | 'must' | 'must_not') =>
    conditionsOf(value[name]).map((each, index) => parseCondition(each, context, `${place}.${name}[${index}]`));
  const [should, must, mustNot] = [list('should'), list('must'), list('must_not')];
  const minShould = isObject(value.min_should) ? value.min_should : undefined;
  const some = conditionsOf(minShould?.conditions).map((each) => parseCondition(each, context, place));
  return (point) =>
    must.every((each) => each(point)) &&
    (should.length === 0 || should.some((each) => each(point))) &&
    !mustNot.some((each) => each(point)) &&
    (!minShould || some.filter((each) => each(point)).length >= Number(minShould.min_count ?? 0));
}

function conditionsOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function parseCondition(value: unknown, context: FilterContext, place: string): Predicate {
  if (!isObject(value)) throw badBody(NO_CONDITION);
  if ('key' in value) return parseField(value, context, place);
  if (isObject(value.is_empty)) return ofValues(parsePath(value.is_empty.key), (values) => values.every(isEmpty));
  if (isObject(value.is_null)) return ofValues(parsePath(value.is_null.key), (values) => values.some(isNull));
  if (Array.isArray(value.has_id)) {
    const ids = value.has_id.map(readId);
    if (ids.includes(undefined)) throw badBody(NO_CONDITION);
    const known = new Set(ids);
    return ({ id }) => known.has(id);
  }
  if (typeof value.has_vector === 'string') {
    const name = value.has_vector;
    return ({ vectors }) => vectors.has(name);
  }
  if (isObject(value.nested)) return parseNested(value.nested, context, place);
  if (Object.keys(value).some((key) => !CLAUSES.includes(key as (typeof CLAUSES)[number]))) throw badBody(NO_CONDITION);
  return parseFilter(value, context, place);
}

/** Operators beside each other in one condition are alternatives. */
function parseField(condition: JsonObject, context: FilterContext, place: string): Predicate {
  const path = parsePath(condition.key);
  const field = String(condition.key);
  const given = OPERATORS.filter((name) => condition[name] !== undefined && condition[name] !== null);
  if (given.length === 0 && context.validated) {
    throw invalidBody(`${place}.__all__: Validation error: At least one field condition must be specified [{}]`);
  }
  const tests: ((values: readonly unknown[]) => boolean)[] = [];
  const ofElements = (test: FieldTest) => {
    context.onField?.(field, test);
    tests.push((values) =>
      values.some((value) => (Array.isArray(value) ? value.some((item) => test.test(item)) : test.test(value))),
    );
  };
  if (given.includes('match')) ofElements(parseMatch(condition.match, context.tokens(field)));
  if (given.includes('range')) ofElements(parseRange(condition.range));
  if (given.includes('values_count')) {
    const { test } = parseRange(condition.values_count);
    tests.push((values) => values.some((value) => test(Array.isArray(value) ? value.length : Number(value !== null))));
  }
  return ofValues(path, (values) => tests.some((test) => test(values)));
}

function parseNested(nested: JsonObject, context: FilterContext, place: string): Predicate {
  const path = parsePath(nested.key);
  const inner = parseFilter(nested.filter, context, place);
  return ({ payload, id, vectors }) =>
    valuesAt(payload, path)
      .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
      .some((value) => isObject(value) && inner({ id, vectors, payload: value }));
}

function ofValues(path: Path, test: (values: readonly unknown[]) => boolean): Predicate {
  return ({ payload }) => test(valuesAt(payload, path));
}

function isEmpty(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function isNull(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.includes(null));
}

type Tokens = ((text: string) => string[]) | undefined;

function parseMatch(match: unknown, tokens: Tokens): FieldTest {
  if (!isObject(match)) throw badBody(NO_MATCH);
  const { value, text, text_any: textAny, phrase, any, except } = match;
  if (value !== undefined) {
    if (typeof value === 'string') return { index: 'keyword', size: 1, test: (item) => item === value };
    if (typeof value === 'boolean') return { index: 'bool', size: 1, test: (item) => item === value };
    if (isInteger(value))
      return { index: 'integer', size: 1, test: (item) => isInteger(item) && BigInt(item) === BigInt(value) };
    throw badBody(NO_MATCH);
  }
  if (typeof text === 'string') return ofText(tokens, text, (has, words) => words.length > 0 && words.every(has));
  if (typeof textAny === 'string') return ofText(tokens, textAny, (has, words) => words.some(has), true);
  // A phrase needs an index that knows of places, which this one does not.
  if (typeof phrase === 'string') return ofText(tokens, phrase, () => false);
  const list = any ?? except;
  if (!Array.isArray(list)) throw badBody(NO_MATCH);
  const texts = list.every((item) => typeof item === 'string');
  if (!texts && !list.every(isInteger)) throw badBody(NO_MATCH);
  const known = new Set<unknown>(list.map((item: unknown) => (typeof item === 'bigint' ? Number(item) : item)));
  const has = (item: unknown) => known.has(typeof item === 'bigint' ? Number(item) : item);
  const index = texts ? 'keyword' : 'integer';
  return any === undefined || any === null
    ? { index, size: list.length, test: (item) => item !== null && item !== undefined && !has(item) }
    : { index, size: list.length, test: has };
}

/** Without an index the whole text is looked for as it stands, or each of its words. */
function ofText(
  tokens: Tokens,
  text: string,
  holds: (has: (word: string) => boolean, words: readonly string[]) => boolean,
  anyWord = false,
): FieldTest {
  const index = 'text';
  if (!tokens) {
    const parts = anyWord ? text.split(/\s+/) : [text];
    return { index, size: 1, test: (item) => typeof item === 'string' && parts.some((part) => item.includes(part)) };
  }
  const words = tokens(text);
  return {
    index,
    size: 1,
    test(item) {
      if (typeof item !== 'string') return false;
      const present = new Set(tokens(item));
      return holds((word) => present.has(word), words);
    },
  };
}

const BOUNDS = {
  gt: (a: number, b: number) => a > b,
  gte: (a: number, b: number) => a >= b,
  lt: (a: number, b: number) => a < b,
  lte: (a: number, b: number) => a <= b,
} as const;
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i;

/** Of numbers, or of times as text. A range without bounds holds for every value of its type. */
function parseRange(value: unknown): FieldTest {
  if (!isObject(value)) throw badBody('data did not match any variant of untagged enum RangeInterface');
  const given = Object.entries(value).filter(([name, bound]) => name in BOUNDS && bound !== null);
  const times = given.some(([, bound]) => typeof bound === 'string');
  const bounds = given.map(([name, bound]) => {
    const limit = times ? timeOf(bound) : Number(bound);
    if (limit === undefined) {
      throw badBody(
        `'${String(bound)}' does not match accepted datetime format (RFC3339). Example: 2014-01-01T00:00:00Z`,
      );
    }
    return [BOUNDS[name as keyof typeof BOUNDS], limit] as const;
  });
  return {
    index: times ? 'datetime' : 'float',
    size: 1,
    test(item) {
      const own = times
        ? timeOf(item)
        : typeof item === 'number' || typeof item === 'bigint'
          ? Number(item)
          : undefined;
      return own !== undefined && bounds.every(([holds, limit]) => holds(own, limit));
    },
  };
}

/** Milliseconds; a date alone is its first moment, UTC. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || !DATE.test(value)) return undefined;
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(value.slice(10)) || value.length === 10 ? value : `${value}Z`;
  const ms = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(ms) ? undefined : ms;
}
