/** Adds a parameter to the statement and answers its placeholder (`$3`). */
export type Bind = (value: unknown) => string;

/** A condition of a `where`: SQL whose values went through `bind`, never into the text. */
export type Condition = (bind: Bind) => string;

/** A statement that is being put together. */
export interface Statement {
  readonly bind: Bind;
  readonly params: readonly unknown[];
}

/** Starts a statement; `bind` numbers its parameters from 1. */
export function newStatement(): Statement {
  const params: unknown[] = [];
  return { params, bind: (value) => `$${params.push(value)}` };
}

/** `where a and b`, or nothing without conditions. */
export function whereAll(conditions: readonly Condition[], bind: Bind): string {
  return conditions.length === 0 ? '' : `where ${conditions.map((condition) => `(${condition(bind)})`).join(' and ')}`;
}

/** `column = value`. The column is the programmer's text. */
export function equals(column: string, value: unknown): Condition {
  return (bind) => `${column} = ${bind(value)}`;
}
