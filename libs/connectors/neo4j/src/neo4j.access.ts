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
import { collectionKey, findCollection, type Neo4jCollection } from './neo4j.collections.ts';
import { createNeo4jDatabase, type Neo4jDatabase } from './neo4j.database.ts';
import { neo4jError } from './neo4j.errors.ts';
import type { Neo4jOptions } from './neo4j.options.ts';
import type { On } from './neo4j.records.ts';

/** Bounded calls to one database, and what is known of its collections. */
export class Neo4jAccess {
  readonly database: Neo4jDatabase;
  readonly #calls: Calls;
  /** Their labels, dimensions and metrics. */
  readonly #known: KnownCollections<Neo4jCollection, Call>;

  constructor(settings: ServerSettings, options: Neo4jOptions, egress: Egress) {
    this.database = createNeo4jDatabase(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'neo4j',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => neo4jError(error, origin, (text) => text),
    });
    this.#known = createKnownCollections<Neo4jCollection, Call>({
      find: async (call, name) => {
        const collection = await findCollection(this.database, call, collectionKey(options.namespace, name));
        if (!collection) throw noSuchCollection(call);
        return collection;
      },
      isSame: (current, remembered) => current.nativeName === remembered.nativeName,
      // The index that a query asks is gone with the collection.
      isOutdated: ({ vendorCode }) => vendorCode?.includes('.Procedure.') === true,
    });
  }

  run<T>(operation: string, options: CallOptions | undefined, work: (call: Call) => Promise<T>): Promise<T> {
    return this.#calls.run(operation, options, work);
  }

  /**
   * Work on a collection. What is remembered of it may be of one that was deleted and made again since, under another
   * label, where now is nothing: when the work finds nothing or fails for that reason, the collection is looked up anew.
   */
  on<T>(
    operation: string,
    name: string,
    options: CallOptions | undefined,
    work: (on: On) => Promise<T>,
    foundNothing?: (result: T) => boolean,
  ): Promise<T> {
    const { database } = this;
    return this.run(operation, options, (call) =>
      this.#known.on(call, name, (collection) => work({ database, call, collection }), { foundNothing }),
    );
  }

  find(call: Call, name: string): Promise<Neo4jCollection> {
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
    await this.database.close();
  }
}
