import { METADATA_KEY_BYTES_MAX } from '../metadata.ts';
import {
  type Condition,
  FILTER_DEPTH_MAX,
  FILTER_NODES_MAX,
  FILTER_STRING_BYTES_MAX,
  FILTER_VALUES_MAX,
  type Filter,
  FilterError,
  OPERATORS,
  type Operator,
  type Scalar,
} from './filter.ts';

interface Budget {
  nodes: number;
  values: number;
}

/**
 * Reads a filter from JSON: `{"field","op","value"}`, `{"and":[…]}`, `{"or":[…]}`, `{"not":…}`. Operators are read in
 * either case. Nothing is guessed: an unknown key, a null value or a list of lists is an error with its path.
 */
export function parseFilter(json: unknown): Filter {
  return parseNode(json, '', 0, { nodes: 0, values: 0 });
}

function parseNode(json: unknown, path: string, depth: number, budget: Budget): Filter {
  if (depth > FILTER_DEPTH_MAX) throw new FilterError(path, `nested deeper than ${FILTER_DEPTH_MAX} levels`);
  if (++budget.nodes > FILTER_NODES_MAX) throw new FilterError(path, `more than ${FILTER_NODES_MAX} parts`);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new FilterError(path, 'must be an object with "field", "and", "or" or "not"');
  }
  const node = json as Record<string, unknown>;
  if ('field' in node) return parseCondition(node, path, budget);
  const keys = Object.keys(node);
  const [key] = keys;
  if (keys.length !== 1 || (key !== 'and' && key !== 'or' && key !== 'not')) {
    throw new FilterError(path, 'must hold "field", or exactly one of "and", "or", "not"');
  }
  const child = (value: unknown, at: string) => parseNode(value, join(path, at), depth + 1, budget);
  if (key === 'not') return { not: child(node.not, 'not') };
  const list = node[key];
  if (!Array.isArray(list)) throw new FilterError(join(path, key), 'must be a list of filters');
  const children = list.map((item, index) => child(item, `${key}[${index}]`));
  return key === 'and' ? { and: children } : { or: children };
}

function parseCondition(node: Record<string, unknown>, path: string, budget: Budget): Condition {
  const unknown = Object.keys(node).find((key) => key !== 'field' && key !== 'op' && key !== 'value');
  if (unknown !== undefined) throw new FilterError(path, `unknown key ${JSON.stringify(unknown.slice(0, 64))}`);
  const field = parseField(node.field, join(path, 'field'));
  const op = parseOperator(node.op, join(path, 'op'));
  const at = join(path, 'value');
  switch (op) {
    case 'eq':
    case 'ne':
      return { field, op, value: parseScalar(node.value, at) };
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte': {
      const value = parseScalar(node.value, at);
      if (typeof value === 'boolean') throw new FilterError(at, 'must be a number or a string');
      return { field, op, value };
    }
    case 'in':
    case 'nin':
      return { field, op, value: parseList(node.value, at, budget) };
    case 'exists': {
      const value = node.value ?? true;
      if (typeof value !== 'boolean') throw new FilterError(at, 'must be true or false');
      return { field, op, value };
    }
  }
}

function parseField(value: unknown, path: string): string {
  if (typeof value !== 'string' || value === '') throw new FilterError(path, 'must be the name of a metadata key');
  checkText(value, path, METADATA_KEY_BYTES_MAX);
  return value;
}

function parseOperator(value: unknown, path: string): Operator {
  const name = typeof value === 'string' ? value.toLowerCase() : '';
  const op = OPERATORS.find((known) => known === name);
  if (!op) throw new FilterError(path, `must be one of ${OPERATORS.join(', ')}`);
  return op;
}

function parseList(value: unknown, path: string, budget: Budget): readonly Scalar[] {
  if (!Array.isArray(value)) throw new FilterError(path, 'must be a list of strings, numbers or booleans');
  budget.values += value.length;
  if (budget.values > FILTER_VALUES_MAX) throw new FilterError(path, `more than ${FILTER_VALUES_MAX} values`);
  return value.map((item, index) => parseScalar(item, `${path}[${index}]`));
}

function parseScalar(value: unknown, path: string): Scalar {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value !== 'string') throw new FilterError(path, 'must be a string, a finite number or a boolean');
  checkText(value, path, FILTER_STRING_BYTES_MAX);
  return value;
}

function checkText(value: string, path: string, bytesMax: number): void {
  if (!value.isWellFormed() || value.includes('\0')) throw new FilterError(path, 'must be Unicode text without NUL');
  if (Buffer.byteLength(value) > bytesMax) throw new FilterError(path, `longer than ${bytesMax} bytes`);
}

function join(path: string, part: string): string {
  return path === '' ? part : `${path}.${part}`;
}
