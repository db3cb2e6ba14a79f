import { invalid } from './refusal.ts';

export type MetadataValue = string | number | boolean | readonly string[];
export type Metadata = Readonly<Record<string, MetadataValue>>;
export type MetadataPredicate = (metadata: Metadata) => boolean;

type Test = (value: MetadataValue | undefined) => boolean;

const LIST_MAX = 10_000;
const GROUPS: readonly string[] = ['$and', '$or'];

/**
 * Pinecone's filter language, as strictly as it is documented: no `$not`, ranges of numbers alone, lists of text or
 * numbers. Where the documentation is silent it takes the side that is harder on its caller: `$ne` and `$nin` do not
 * match a record without the field.
 */
export function parseMetadataFilter(filter: unknown): MetadataPredicate {
  const entries = Object.entries(objectOf(filter, 'filter'));
  if (entries.length === 0) throw invalid('the filter must not be empty');
  return allOf(entries.map(([key, value]) => parseClause(key, value)));
}

function parseClause(key: string, value: unknown): MetadataPredicate {
  if (GROUPS.includes(key)) return parseGroup(key, value);
  if (key.startsWith('$')) throw invalid(`${key} is not a valid operator`);
  const test = parseCondition(key, value);
  return (metadata) => test(Object.hasOwn(metadata, key) ? metadata[key] : undefined);
}

function parseGroup(key: string, value: unknown): MetadataPredicate {
  if (!Array.isArray(value) || value.length === 0) throw invalid(`the ${key} operator must be followed by a list`);
  const parts = value.map(parseMetadataFilter);
  return key === '$and' ? allOf(parts) : (metadata) => parts.some((part) => part(metadata));
}

function parseCondition(field: string, value: unknown): Test {
  if (isScalar(value)) return equals(value);
  const operators = Object.entries(objectOf(value, `the condition of field ${field}`));
  if (operators.length === 0) throw invalid(`illegal condition for field ${field}, got {}`);
  const tests = operators.map(([operator, operand]) => parseOperator(operator, operand));
  return (stored) => tests.every((test) => test(stored));
}

function parseOperator(operator: string, operand: unknown): Test {
  switch (operator) {
    case '$eq':
      return equals(scalarOf(operator, operand));
    case '$ne': {
      const test = equals(scalarOf(operator, operand));
      return (stored) => stored !== undefined && !test(stored);
    }
    case '$in':
    case '$nin': {
      const tests = listOf(operator, operand).map(equals);
      return operator === '$in'
        ? (stored) => tests.some((test) => test(stored))
        : (stored) => stored !== undefined && !tests.some((test) => test(stored));
    }
    case '$exists':
      if (typeof operand !== 'boolean') throw illegal(operator, 'a boolean', operand);
      return (stored) => (stored !== undefined) === operand;
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return range(operator, operand);
    default:
      throw invalid(`${operator} is not a valid operator`);
  }
}

function range(operator: '$gt' | '$gte' | '$lt' | '$lte', bound: unknown): Test {
  if (typeof bound !== 'number') throw illegal(operator, 'a number', bound);
  const holds = {
    $gt: (value: number) => value > bound,
    $gte: (value: number) => value >= bound,
    $lt: (value: number) => value < bound,
    $lte: (value: number) => value <= bound,
  }[operator];
  return (stored) => typeof stored === 'number' && holds(stored);
}

/** Of a list any member. */
function equals(wanted: string | number | boolean): Test {
  return (stored) => (Array.isArray(stored) ? stored.includes(wanted) : stored === wanted);
}

function listOf(operator: string, operand: unknown): readonly (string | number)[] {
  const isList = Array.isArray(operand) && operand.length > 0;
  if (!isList || !operand.every((value) => typeof value === 'string' || typeof value === 'number')) {
    throw illegal(operator, 'a list of strings or numbers', operand);
  }
  if (new Set(operand.map((value) => typeof value)).size > 1) throw illegal(operator, 'a list of one type', operand);
  if (operand.length > LIST_MAX) throw invalid(`the ${operator} operator takes at most ${LIST_MAX} values`);
  return operand;
}

function scalarOf(operator: string, operand: unknown): string | number | boolean {
  if (!isScalar(operand)) throw illegal(operator, 'a string, boolean or number', operand);
  return operand;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function objectOf(value: unknown, what: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} must be an object`);
  return value;
}

function allOf(parts: readonly MetadataPredicate[]): MetadataPredicate {
  return (metadata) => parts.every((part) => part(metadata));
}

function illegal(operator: string, wanted: string, operand: unknown): Error {
  const got = JSON.stringify(operand)?.slice(0, 64);
  return invalid(`the ${operator} operator must be followed by ${wanted}, got ${got} instead`);
}
