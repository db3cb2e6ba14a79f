/** A statement with its parameters, `$1` the first. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/** Column names and values of a row. The names come from this program, never from a caller. */
export type Columns = Readonly<Record<string, unknown>>;

/** `insert … returning *`. */
export function insertInto(table: string, columns: Columns): Statement {
  const names = Object.keys(columns);
  return {
    sql: `insert into ${table} (${names.map(quote).join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')}) returning *`,
    params: Object.values(columns),
  };
}

/** `update … where id = … and version = … returning *`: nothing comes back when somebody else was faster. */
export function updateVersioned(
  table: string,
  row: { readonly id: string; readonly version: number },
  columns: Columns,
): Statement {
  const sets = Object.keys(columns).map((name, index) => `${quote(name)} = $${index + 3}`);
  return {
    sql: `update ${table} set ${['version = version + 1', 'updated_at = now()', ...sets].join(', ')}
          where id = $1 and version = $2 returning *`,
    params: [row.id, row.version, ...Object.values(columns)],
  };
}

function quote(name: string): string {
  return `"${name}"`;
}
