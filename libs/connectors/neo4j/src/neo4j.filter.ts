import {
  type Condition,
  type Filter,
  type NormalFilter,
  normaliseFilter,
  type RangeCondition,
  type Scalar,
} from '@morag/connectors-core';
import { elementText, listName, scalarName } from './neo4j.metadata.ts';

/** Collects the values of a statement; each gets its `$f…`. */
export class Parameters {
  readonly values: Record<string, unknown> = {};
  #count = 0;

  add(value: unknown): string {
    const name = `f${this.#count++}`;
    this.values[name] = value;
    return `$${name}`;
  }
}

const OPERATOR = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
/** The filter as a condition on the node `n`; undefined when nothing can match. */
export function toCypher(filter: Filter | undefined, parameters: Parameters): string | undefined {
  const normal = filter ? normaliseFilter(filter) : true;
  if (typeof normal === 'boolean') return normal ? 'true' : undefined;
  return translate(normal, parameters);
}

function translate(node: NormalFilter, parameters: Parameters): string {
  if ('and' in node) return `(${node.and.map((child) => translate(child, parameters)).join(' AND ')})`;
  if ('or' in node) return `(${node.or.map((child) => translate(child, parameters)).join(' OR ')})`;
  if ('not' in node) return not(range(node.not, parameters));
  return condition(node, parameters);
}

function condition(node: Condition, parameters: Parameters): string {
  switch (node.op) {
    case 'eq':
      return equals(node.field, node.value, parameters);
    case 'ne':
      return not(equals(node.field, node.value, parameters));
    case 'in':
      return isIn(node.field, node.value, parameters);
    case 'nin':
      return not(isIn(node.field, node.value, parameters));
    case 'exists':
      return node.value ? exists(node.field, parameters) : `NOT ${exists(node.field, parameters)}`;
    default:
      return range(node, parameters);
  }
}

/** Cypher's third truth value: null where a key is missing or of another type, which is no match, but no mismatch. */
function not(expression: string): string {
  return `NOT coalesce(${expression}, false)`;
}

function equals(field: string, value: Scalar, parameters: Parameters): string {
  const { scalar, list } = propertiesOf(field, parameters);
  return `(${scalar} = ${parameters.add(value)} OR ${parameters.add(elementText(value))} IN ${list})`;
}

function isIn(field: string, values: readonly Scalar[], parameters: Parameters): string {
  const { scalar, list } = propertiesOf(field, parameters);
  const texts = parameters.add(values.map(elementText));
  return `(${scalar} IN ${parameters.add(values)} OR any(element IN ${list} WHERE element IN ${texts}))`;
}

function exists(field: string, parameters: Parameters): string {
  const { scalar, list } = propertiesOf(field, parameters);
  return `(${scalar} IS NOT NULL OR ${list} IS NOT NULL)`;
}

/** Null, which is no match, where the types differ. */
function range({ field, op, value }: RangeCondition, parameters: Parameters): string {
  return `(n[${parameters.add(scalarName(field))}] ${OPERATOR[op]} ${parameters.add(value)})`;
}

/**
 * The names are parameters too. Keys may hold anything, and Cypher reads `\u0060` in a quoted name as a quote; and texts
 * that differ in their names alone would each be planned anew, which takes longer than most queries.
 */
function propertiesOf(field: string, parameters: Parameters): { scalar: string; list: string } {
  return { scalar: `n[${parameters.add(scalarName(field))}]`, list: `n[${parameters.add(listName(field))}]` };
}
