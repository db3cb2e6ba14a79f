import {
  type Condition,
  type Filter,
  type NormalFilter,
  normaliseFilter,
  type RangeCondition,
  type Scalar,
} from '@morag/connectors-core';

/** Collects the values of a statement; each gets its `$n`. */
export class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown, type: string): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
}

const OPERATOR = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** The filter as a boolean expression over `metadata` that is never NULL; every value and key is a parameter. */
export function toSql(filter: Filter | undefined, parameters: Parameters): string {
  const normal = filter ? normaliseFilter(filter) : true;
  return typeof normal === 'boolean' ? String(normal) : translate(normal, parameters);
}

function translate(node: NormalFilter, parameters: Parameters): string {
  if ('and' in node) return `(${node.and.map((child) => translate(child, parameters)).join(' AND ')})`;
  if ('or' in node) return `(${node.or.map((child) => translate(child, parameters)).join(' OR ')})`;
  if ('not' in node) return `NOT ${range(node.not, parameters)}`;
  return condition(node, parameters);
}

function condition(node: Condition, parameters: Parameters): string {
  switch (node.op) {
    case 'eq':
      return holds(node.field, [node.value], parameters);
    case 'ne':
      return `NOT ${holds(node.field, [node.value], parameters)}`;
    case 'in':
      return holds(node.field, node.value, parameters);
    case 'nin':
      return `NOT ${holds(node.field, node.value, parameters)}`;
    case 'exists':
      return `${node.value ? '' : 'NOT '}(metadata ? ${parameters.add(node.field, 'text')})`;
    default:
      return range(node, parameters);
  }
}

/** Containment finds the value itself and, in its second form, an array that has it; both can use a GIN index. */
function holds(field: string, values: readonly Scalar[], parameters: Parameters): string {
  const documents = values.flatMap((value) => [
    JSON.stringify({ [field]: value }),
    JSON.stringify({ [field]: [value] }),
  ]);
  return `(metadata @> ANY (${parameters.add(documents, 'jsonb[]')}))`;
}

/** jsonb orders values of different types among each other, hence the guard; CASE keeps it in front. */
function range({ field, op, value }: RangeCondition, parameters: Parameters): string {
  const key = parameters.add(field, 'text');
  const operator = OPERATOR[op];
  if (typeof value === 'number') {
    const bound = parameters.add(JSON.stringify(value), 'jsonb');
    return `(CASE WHEN jsonb_typeof(metadata -> ${key}) = 'number' THEN metadata -> ${key} ${operator} ${bound} ELSE false END)`;
  }
  const bound = parameters.add(value, 'text');
  return `(CASE WHEN jsonb_typeof(metadata -> ${key}) = 'string' THEN (metadata ->> ${key}) COLLATE "C" ${operator} ${bound} ELSE false END)`;
}
