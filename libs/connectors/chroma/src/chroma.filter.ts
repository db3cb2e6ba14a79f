import {
  conjunction,
  disjunction,
  type Filter,
  inexact,
  type NormalFilter,
  type RangeCondition,
  type Scalar,
  type Superset,
  type Translation,
  toSuperset,
} from '@morag/connectors-core';
import type { Where } from 'chromadb';
import { arrayKey, memberKey, nativeKey } from './chroma.metadata.ts';

/** Lists up to this length name every array member that would match; longer ones look at every array. */
const MEMBERS_MAX = 64;
// Beyond, JSON numbers reach the server as floats and no integer row can lie in between.
const INTEGER_MAX = 2 ** 63;

const and = (parts: readonly (Where | undefined)[]) => conjunction(parts, (all): Where => ({ $and: all }));
const or = (parts: readonly (Where | undefined)[]) => disjunction(parts, (any): Where => ({ $or: any }));

/** See `Superset`. */
export type ChromaFilter = Superset<Where>;

export function toChromaFilter(filter: Filter | undefined): ChromaFilter {
  return toSuperset(filter, translate);
}

function translate(node: NormalFilter, state: Translation): Where | undefined {
  if ('and' in node) return and(node.and.map((child) => translate(child, state)));
  if ('or' in node) return or(node.or.map((child) => translate(child, state)));
  // Chroma has neither `exists` nor a negation that also matches records without the key.
  if ('not' in node || node.op === 'exists') return inexact(state);
  const { field } = node;
  const key = nativeKey(field);
  switch (node.op) {
    case 'eq':
      return or([equal(key, node.value), { [memberKey(field, node.value)]: { $eq: true } }]);
    case 'ne':
      return and([unequal(key, node.value), { [memberKey(field, node.value)]: { $ne: true } }]);
    case 'in': {
      const few = node.value.length <= MEMBERS_MAX;
      if (!few) state.exact = false;
      const members = few ? node.value.map((value) => memberKey(field, value)) : [arrayKey(field)];
      return or([...oneOf(key, node.value), ...members.map((member) => ({ [member]: { $eq: true } }))]);
    }
    case 'nin': {
      const few = node.value.length <= MEMBERS_MAX;
      if (!few) state.exact = false;
      const members = few ? node.value.map((value) => memberKey(field, value)) : [];
      return and([...noneOf(key, node.value), ...members.map((member) => ({ [member]: { $ne: true } }))]);
    }
    default:
      return typeof node.value === 'number' ? range(key, node.op, node.value) : inexact(state);
  }
}

/**
 * Against integer rows the server truncates a bound that is no integer: `$eq 2.5` matches 2 (chroma#7491). Each
 * comparison is therefore joined with the nearest integers, which brings back the right answer for both kinds of row.
 */
function isTruncated(value: number): boolean {
  return !Number.isInteger(value) && Math.abs(value) < INTEGER_MAX;
}

function equal(key: string, value: Scalar): Where {
  const plain: Where = { [key]: { $eq: value } };
  return typeof value === 'number' && isTruncated(value)
    ? { $and: [plain, { [key]: { $ne: Math.trunc(value) } }] }
    : plain;
}

function unequal(key: string, value: Scalar): Where {
  const plain: Where = { [key]: { $ne: value } };
  return typeof value === 'number' && isTruncated(value)
    ? { $or: [plain, { [key]: { $eq: Math.trunc(value) } }] }
    : plain;
}

function range(key: string, op: RangeCondition['op'], value: number): Where {
  const plain = { [key]: { [`$${op}`]: value } } as Where;
  if (!isTruncated(value)) return plain;
  const floor: Where = { [key]: { $lte: Math.floor(value) } };
  const ceiling: Where = { [key]: { $gte: Math.ceil(value) } };
  return op === 'lt' || op === 'lte'
    ? { $or: [{ $and: [plain, { [key]: { $lt: Math.ceil(value) } }] }, floor] }
    : { $or: [{ $and: [plain, { [key]: { $gt: Math.floor(value) } }] }, ceiling] };
}

/** A list must be of one type, and integers mixed with floats are refused or not, depending on which comes first. */
function oneOf(key: string, values: readonly Scalar[]): Where[] {
  const { lists, floats } = byType(values);
  return [...lists.map((list): Where => ({ [key]: { $in: list } })), ...floats.map((value) => equal(key, value))];
}

function noneOf(key: string, values: readonly Scalar[]): Where[] {
  const { lists, floats } = byType(values);
  return [...lists.map((list): Where => ({ [key]: { $nin: list } })), ...floats.map((value) => unequal(key, value))];
}

function byType(values: readonly Scalar[]): { lists: (string[] | number[] | boolean[])[]; floats: number[] } {
  const strings = values.filter((value) => typeof value === 'string');
  const booleans = values.filter((value) => typeof value === 'boolean');
  const numbers = values.filter((value) => typeof value === 'number');
  const integers = numbers.filter((value) => Number.isSafeInteger(value));
  const floats = numbers.filter((value) => !Number.isSafeInteger(value));
  return { lists: [strings, booleans, integers].filter((list) => list.length > 0), floats };
}
