import {
  type Call,
  type CallOptions,
  type Calls,
  createCalls,
  createKnownCollections,
  type KnownCollections,
  noSuchCollection,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { createPgvectorDatabase, type PgvectorDatabase, type Session } from './pgvector.database.ts';
import { pgvectorError } from './pgvector.errors.ts';
import type { PgvectorOptions } from './pgvector.options.ts';
import { TableReplaced } from './pgvector.query.ts';
import type { Settings } from './pgvector.statement.ts';
import { findTable, type PgvectorTable } from './pgvector.tables.ts';

/** Of statements that only read: the server refuses those that would write. */
export const READ: Settings = { transaction_read_only: 'on' };
export const WRITE: Settings = {};

/** Bounded calls to one database, and what is known of its tables. */
export class PgvectorAccess {
  readonly #database: PgvectorDatabase;
  readonly #calls: Calls;
  /** Their dimensions and metrics. */
  readonly #known: KnownCollections<PgvectorTable, Call>;

  constructor(settings: ServerSettings, options: PgvectorOptions, egress: Egress) {
    this.#database = createPgvectorDatabase(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'pgvector',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => pgvectorError(error, origin, (text) => text),
    });
    this.#known = createKnownCollections<PgvectorTable, Call>({
      find: async (call, name) => {
        const table = await this.within(call, READ, (session) => findTable(session, options.schema, name));
        if (!table) throw noSuchCollection(call);
        return table;
      },
      isSame: (current, remembered) => current.oid === remembered.oid,
      isOutdated: ({ thrown }) => thrown instanceof TableReplaced,
    });
  }

  run<T>(operation: string, options: CallOptions | undefined, work: (call: Call) => Promise<T>): Promise<T> {
    return this.#calls.run(operation, options, work);
  }

  /** Statements on one connection, each a transaction of its own with these settings. */
  within<T>(call: Call, settings: Settings, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#database.session(call, settings, work);
  }

  /** Statements that are one transaction. */
  transaction<T>(call: Call, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#database.transaction(call, work);
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
    return this.run(operation, options, (call) => this.#known.on(call, name, (table) => work(table, call)));
  }

  find(call: Call, name: string): Promise<PgvectorTable> {
    return this.#known.find(call, name);
  }

  exists(name: string, options: CallOptions | undefined): Promise<boolean> {
    return this.run('collectionExists', options, (call) => this.#known.exists(call, name));
  }

  forget(name: string): void {
    this.#known.forget(name);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.#database.close();
  }
}
