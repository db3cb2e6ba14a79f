import { DomainError } from '@morag/errors';
import type { Condition } from './conditions.ts';

/** What a field of a list filter holds, and so what it may be compared with. */
export type FilterKind = 'text' | 'uuid' | 'integer' | 'boolean' | 'timestamp' | readonly string[];

/** One field that callers may filter by. A list of words as `kind` is an enum. */
export interface FilterField {
  /** SQL: a column, or an expression such as `(disabled_at is not null)`. */
  readonly column: string;
  readonly kind: FilterKind;
}

/** The fields of one list, by their name in the proto (`create_time`). */
export type FilterFields = Readonly<Record<string, FilterField>>;

const OPERATORS = { '=': '=', '!=': '<>', '<': '<', '<=': '<=', '>': '>', '>=': '>=' } as const;
type Operator = keyof typeof OPERATORS;

const TERM = /\s*([A-Za-z][\w.]*)\s*(!=|<=|>=|=|<|>)\s*("(?:[^"\\]|\\.)*"|[^\s"()]+)/y;
const AND = /\s+AND\s+/y;
const END = /\s*$/y;

const LENGTH_MAX = 2_000;
const TERMS_MAX = 20;

/**
 * Reads a list's `filter`, the part of AIP-160 that every list here understands: `name = "a" AND size >= 3`. Field names
 * may be written as in the proto or as in JSON. Throws INVALID_LIST_FILTER for anything else. An empty text filters nothing.
 */
export function parseListFilter(fields: FilterFields, text: string): Condition[] {
  if (text.trim() === '') return [];
  if (text.length > LENGTH_MAX) throw invalid(`is longer than ${LENGTH_MAX} characters`);
  const conditions: Condition[] = [];
  for (let at = 0; ; ) {
    const term = matchAt(TERM, text, at);
    if (!term) throw invalid(`expects \`field operator value\` at character ${at + 1}`);
    const [whole, name = '', operator = '=', value = ''] = term;
    conditions.push(toCondition(fields, name, operator as Operator, value));
    if (conditions.length > TERMS_MAX) throw invalid(`has more than ${TERMS_MAX} terms`);
    at += whole.length;
    if (matchAt(END, text, at)) return conditions;
    const and = matchAt(AND, text, at);
    if (!and) throw invalid(`expects AND at character ${at + 1}`);
    at += and[0].length;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function toCondition(fields: FilterFields, name: string, operator: Operator, raw: string): Condition {
  const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (!field) throw invalid(`names the unknown field ${name}; known are ${Object.keys(fields).join(', ')}`);
  const ordered = field.kind === 'integer' || field.kind === 'timestamp' || field.kind === 'text';
  if (!ordered && operator !== '=' && operator !== '!=') throw invalid(`cannot compare ${name} with ${operator}`);
  const value = toValue(field.kind, raw, name);
  const cast = CASTS[typeof field.kind === 'string' ? field.kind : 'text'];
  return (bind) => `${field.column} ${OPERATORS[operator]} ${bind(value)}::${cast}`;
}

const CASTS = {
  text: 'text',
  uuid: 'uuid',
  integer: 'bigint',
  boolean: 'boolean',
  timestamp: 'timestamptz',
} as const;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

function toValue(kind: FilterKind, raw: string, name: string): string {
  const value = raw.startsWith('"') ? raw.slice(1, -1).replace(/\\(.)/gs, '$1') : raw;
  const accepts = (expected: string, accepted: boolean): string => {
    if (!accepted) throw invalid(`compares ${name} with something that is not ${expected}`);
    return value;
  };
  switch (kind) {
    case 'text':
      return accepts('text', !value.includes('\0'));
    case 'uuid':
      return accepts('a UUID', UUID.test(value));
    case 'integer':
      return accepts('a whole number', /^-?\d{1,18}$/.test(value));
    case 'boolean':
      return accepts('true or false', value === 'true' || value === 'false');
    case 'timestamp':
      return accepts('a time in RFC 3339', RFC_3339.test(value) && !Number.isNaN(Date.parse(value)));
    default:
      return accepts(`one of ${kind.join(', ')}`, kind.includes(value));
  }
}

function invalid(description: string): DomainError {
  return new DomainError('INVALID_LIST_FILTER', `filter ${description}`, {
    violations: [{ field: 'filter', description }],
  });
}
