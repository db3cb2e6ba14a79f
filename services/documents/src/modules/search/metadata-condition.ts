import type { Filter, Condition as FilterCondition, RangeCondition, Scalar } from '@morag/connectors-core';
import type { Bind, Condition } from '@morag/orm';

/**
 * A filter as an SQL condition on a `jsonb` column of metadata, with exactly the meaning of `matches`: never null, so that
 * it can be negated.
 */
export function metadataCondition(filter: Filter, column: string): Condition {
  return (bind) => toSql(filter, column, bind);
}

function toSql(filter: Filter, column: string, bind: Bind): string {
  if ('and' in filter) return join(filter.and, 'and', 'true', column, bind);
  if ('or' in filter) return join(filter.or, 'or', 'false', column, bind);
  if ('not' in filter) return `not (${toSql(filter.not, column, bind)})`;
  return conditionSql(filter, `${column} -> ${bind(filter.field)}::text`, bind);
}

function join(filters: readonly Filter[], word: 'and' | 'or', empty: string, column: string, bind: Bind): string {
  if (filters.length === 0) return empty;
  return filters.map((filter) => `(${toSql(filter, column, bind)})`).join(` ${word} `);
}

function conditionSql(condition: FilterCondition, value: string, bind: Bind): string {
  switch (condition.op) {
    case 'eq':
      return holds(value, [condition.value], bind);
    case 'ne':
      return `not ${holds(value, [condition.value], bind)}`;
    case 'in':
      return holds(value, condition.value, bind);
    case 'nin':
      return `not ${holds(value, condition.value, bind)}`;
    case 'exists':
      return `(coalesce(jsonb_typeof(${value}), 'null') <> 'null') = ${bind(condition.value)}::boolean`;
    default:
      return range(condition, value, bind);
  }
}

/** A list contains its elements, and a scalar contains itself; numbers compare by value. */
function holds(value: string, wanted: readonly Scalar[], bind: Bind): string {
  const list = bind(wanted.map((item) => JSON.stringify(item)));
  return `coalesce(${value} @> any(${list}::jsonb[]), false)`;
}

const OPERATORS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** Only within one type: numbers by value, text by code point. */
function range({ op, value: bound }: RangeCondition, value: string, bind: Bind): string {
  const isNumber = typeof bound === 'number';
  const side = isNumber ? `(${value} #>> '{}')::float8` : `(${value} #>> '{}') collate "C"`;
  const compared = `${side} ${OPERATORS[op]} ${bind(bound)}::${isNumber ? 'float8' : 'text'}`;
  return `(case when jsonb_typeof(${value}) = '${isNumber ? 'number' : 'string'}' then ${compared} else false end)`;
}
