import { type Database, type Em, query } from '@morag/orm';
import type { SqlQuery } from './search/lexical.store.ts';

/** Statements of a transaction as a function, for stores that need no unit of work. */
export function sqlOf(em: Em): SqlQuery {
  return (sql, parameters) => query(em, sql, parameters);
}

/** One statement that changes something, committed by itself. Returns the rows that it returns. */
export async function execute<Row extends object>(
  db: Database,
  sql: string,
  params: readonly unknown[],
): Promise<Row[]> {
  return query<Row>(db.fork(), sql, params);
}
