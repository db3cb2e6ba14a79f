import { DomainError } from '@morag/errors';

/** One field that a list may be ordered by. */
export interface OrderField {
  /** SQL, never null: a column, or an expression such as `lower(name)`. */
  readonly column: string;
  /** Its PostgreSQL type; what a cursor's text is read as. */
  readonly type: 'timestamptz' | 'text' | 'integer' | 'bigint' | 'double precision' | 'uuid';
}

/** The fields of one list, by their name in the proto (`create_time`). */
export type OrderFields = Readonly<Record<string, OrderField>>;

/** A list's order, made total by the id. */
export interface Order extends OrderField {
  readonly descending: boolean;
}

/**
 * Reads `order_by`: one field, as in the proto or as in JSON, and optionally ` asc` or ` desc`. `fallback` stands for the
 * empty text. Throws INVALID_LIST_FILTER for anything else.
 */
export function parseOrderBy(fields: OrderFields, text: string, fallback: string): Order {
  const match = /^\s*([A-Za-z]\w*)(?:\s+(asc|desc))?\s*$/.exec(text.trim() === '' ? fallback : text);
  const key = match?.[1]?.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) ?? '';
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (!field) {
    const description = `must be one of ${Object.keys(fields).join(', ')}, optionally with " desc"`;
    throw new DomainError('INVALID_LIST_FILTER', `orderBy ${description}`, {
      violations: [{ field: 'orderBy', description }],
    });
  }
  return { ...field, descending: match?.[2] === 'desc' };
}
