import { type ClientBase, Query, type QueryResult } from 'pg';

/** A statement with its parameters. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** By their names, at least one. Both come from this program, never from a caller. */
export type Settings = Readonly<Record<string, string | number>>;

/** One statement that makes settings until the transaction ends, which is less work for the server than one for each. */
export function settling(settings: Settings): string {
  const made = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  // What the functions answer is no NULL, so that no row comes back.
  return `SELECT WHERE concat(${made.join(', ')}) IS NULL`;
}

/**
 * Runs a statement with settings of its own, as one transaction that is committed when this resolves: the settings end
 * with it, since connections may be shared through a pooler. Rejects as the driver does.
 *
 * Both go out before one Sync, which makes them one transaction
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING). A BEGIN and a COMMIT around them
 * cost a query by vector a tenth of its time, and a fifth where several run at once. The driver takes the answer for that
 * of one text with two statements, and gives the results of both.
 */
export function runSettled(
  client: ClientBase,
  { text, values = [] }: Statement,
  settings: Settings,
): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    const onResults = (error: Error | null, results?: readonly QueryResult[]): void => {
      const last = results?.at(-1);
      if (last) resolve(last);
      else reject(error ?? new Error('PostgreSQL answered nothing.'));
    };
    // Without parameters a text would go by the simple protocol, which has no Sync.
    const extended = { text, queryMode: 'extended' };
    const query = new Query(extended, [...values], onResults as never);
    const submit = query.submit.bind(query);
    query.submit = (connection) => {
      connection.stream.cork();
      try {
        connection.parse({ name: '', text: settling(settings), types: [] }, true);
        connection.bind({}, true);
        connection.execute({}, true);
        return submit(connection);
      } finally {
        connection.stream.uncork();
      }
    };
    client.query(query);
  });
}
