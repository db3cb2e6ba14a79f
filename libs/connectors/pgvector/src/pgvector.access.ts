import {
  type Call,
  type CallOptions,
  type Calls,
  ConnectorError,
  createCalls,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import {
  createPgvectorDatabase,
  type PgvectorDatabase,
  type Session,
  type TransactionOptions,
} from './pgvector.database.ts';
import { pgvectorError } from './pgvector.errors.ts';
import type { PgvectorOptions } from './pgvector.options.ts';
import { TableReplaced } from './pgvector.query.ts';
import { findTable, type PgvectorTable } from './pgvector.tables.ts';

/** Collections whose dimension and metric are remembered. */
const KNOWN_MAX = 1_000;

export const READ: TransactionOptions = { readOnly: true };
export const WRITE: TransactionOptions = { readOnly: false };

/** Bounded calls to one database, and what is known of its tables. */
export class PgvectorAccess {
  readonly #database: PgvectorDatabase;
  readonly #calls: Calls;
  readonly #schema: string;
  readonly #known = new Map<string, PgvectorTable>();

  constructor(settings: ServerSettings, options: PgvectorOptions, egress: Egress) {
    this.#schema = options.schema;
    this.#database = createPgvectorDatabase(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'pgvector',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => pgvectorError(error, origin, (text) => text),
    });
  }

  run<T>(operation: string, options: CallOptions | undefined, work: (call: Call) => Promise<T>): Promise<T> {
    return this.#calls.run(operation, options, work);
  }

  within<T>(call: Call, options: TransactionOptions, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#database.transaction(call, options, work);
  }

  /**
   * Work on a collection. What is remembered of it may be of a table that was dropped and made again since, with
   * another dimension or metric: when the work fails for such a reason, it is looked up anew.
   */
  on<T>(
    operation: string,
    name: string,
    options: CallOptions | undefined,
    work: (table: PgvectorTable, call: Call) => Promise<T>,
  ): Promise<T> {
    return this.run(operation, options, async (call) => {
      const remembered = this.#known.get(name);
      if (!remembered) return work(await this.find(call, name), call);
      try {
        return await work(remembered, call);
      } catch (error) {
        if (!mayBeStale(error)) throw error;
        const current = await this.find(call, name);
        if (current.oid === remembered.oid) throw error;
        return work(current, call);
      }
    });
  }

  async find(call: Call, name: string): Promise<PgvectorTable> {
    this.forget(name);
    const table = await this.within(call, READ, (session) => findTable(session, this.#schema, name));
    if (!table) throw new ConnectorError('not_found', call, 'There is no such collection.');
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(name, table);
    return table;
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.#database.close();
  }
}

function mayBeStale(error: unknown): boolean {
  if (!(error instanceof ConnectorError)) return false;
  return (
    error.category === 'not_found' || error.category === 'invalid_argument' || error.thrown instanceof TableReplaced
  );
}
