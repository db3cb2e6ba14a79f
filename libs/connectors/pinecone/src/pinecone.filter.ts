import {
  conjunction,
  disjunction,
  type Filter,
  inexact,
  type NormalFilter,
  type Scalar,
  type Superset,
  type Translation,
  toSuperset,
} from '@morag/connectors-core';
import { keyMark, MARKS_KEY, memberMark } from './pinecone.metadata.ts';

/** One clause of Pinecone's language, always with operators: the SDK refuses bare falsy values. */
export type Clause = { readonly [field: string]: object };

const and = (parts: readonly (Clause | undefined)[]) => conjunction(parts, (all): Clause => ({ $and: all }));
const or = (parts: readonly (Clause | undefined)[]) => disjunction(parts, (any): Clause => ({ $or: any }));

/** See `Superset`. */
export type PineconeFilter = Superset<Clause>;

export function toPineconeFilter(filter: Filter | undefined): PineconeFilter {
  return toSuperset(filter, translate);
}

/** The same filter, of the records alone that also keep a clause. */
export function narrowed(filter: PineconeFilter, clause: Clause): PineconeFilter {
  return { ...filter, where: and([filter.where, clause]) };
}

function translate(node: NormalFilter, state: Translation): Clause | undefined {
  if ('and' in node) return and(node.and.map((child) => translate(child, state)));
  if ('or' in node) return or(node.or.map((child) => translate(child, state)));
  // A negated range also matches values of other types, and there is no operator for types.
  if ('not' in node) return inexact(state);
  const { field } = node;
  switch (node.op) {
    case 'eq':
      return either(is(field, '$eq', node.value), marked([memberMark(field, node.value)]));
    case 'ne':
      return both(unless(field, is(field, '$ne', node.value)), unmarked([memberMark(field, node.value)]));
    case 'in': {
      const members = node.value.map((value) => memberMark(field, value));
      return or([...byType(node.value).map((values) => anyOf(field, values)), marked(members)]);
    }
    case 'nin': {
      const members = node.value.map((value) => memberMark(field, value));
      const clauses = byType(node.value).map((values) => noneOf(field, values));
      return both(unless(field, clauses.reduce(both)), unmarked(members));
    }
    case 'exists':
      return node.value
        ? either(is(field, '$exists', true), marked([keyMark(field)]))
        : both(is(field, '$exists', false), unmarked([keyMark(field)]));
    default:
      return typeof node.value === 'number' ? is(field, `$${node.op}`, node.value) : inexact(state);
  }
}

function is(field: string, operator: string, value: Scalar | readonly Scalar[]): Clause {
  return { [field]: { [operator]: value } };
}

/** What the documentation leaves open is asked for: whether `$ne` and `$nin` match records without the field. */
function unless(field: string, clause: Clause): Clause {
  return either(clause, is(field, '$exists', false));
}

function marked(marks: readonly string[]): Clause {
  return anyOf(MARKS_KEY, marks);
}

function unmarked(marks: readonly string[]): Clause {
  return unless(MARKS_KEY, noneOf(MARKS_KEY, marks));
}

function anyOf(field: string, values: readonly Scalar[]): Clause {
  const [first] = values;
  return values.length === 1 && first !== undefined ? is(field, '$eq', first) : is(field, '$in', values);
}

function noneOf(field: string, values: readonly Scalar[]): Clause {
  const [first] = values;
  return values.length === 1 && first !== undefined ? is(field, '$ne', first) : is(field, '$nin', values);
}

/** Lists are documented for text and numbers, and not said to be mixed; booleans go alone. */
function byType(values: readonly Scalar[]): (readonly Scalar[])[] {
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const booleans = values.filter((value) => typeof value === 'boolean').map((value) => [value]);
  return [texts, numbers, ...booleans].filter((list) => list.length > 0);
}

function both(a: Clause, b: Clause): Clause {
  return { $and: [a, b] };
}

function either(a: Clause, b: Clause): Clause {
  return { $or: [a, b] };
}
