import {
  type Call,
  type CallOptions,
  type Calls,
  ConnectorError,
  createCalls,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { collectionKey, findCollection, type Neo4jCollection } from './neo4j.collections.ts';
import { createNeo4jDatabase, type Neo4jDatabase } from './neo4j.database.ts';
import { neo4jError } from './neo4j.errors.ts';
import type { Neo4jOptions } from './neo4j.options.ts';
import type { On } from './neo4j.records.ts';

/** Collections whose label, dimension and metric are remembered. */
const KNOWN_MAX = 1_000;

/** Bounded calls to one database, and what is known of its collections. */
export class Neo4jAccess {
  readonly database: Neo4jDatabase;
  readonly #calls: Calls;
  readonly #namespace: string;
  readonly #known = new Map<string, Neo4jCollection>();

  constructor(settings: ServerSettings, options: Neo4jOptions, egress: Egress) {
    this.#namespace = options.namespace;
    this.database = createNeo4jDatabase(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'neo4j',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => neo4jError(error, origin, (text) => text),
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
    foundNothing: (result: T) => boolean = () => false,
  ): Promise<T> {
    return this.run(operation, options, async (call) => {
      const attempt = (collection: Neo4jCollection) => work({ database: this.database, call, collection });
      const remembered = this.#known.get(name);
      if (!remembered) return attempt(await this.find(call, name));
      const first = await settled(attempt(remembered));
      if ('value' in first ? !foundNothing(first.value) : !mayBeStale(first.error)) return outcome(first);
      const current = await this.find(call, name);
      return current.nativeName === remembered.nativeName ? outcome(first) : attempt(current);
    });
  }

  async find(call: Call, name: string): Promise<Neo4jCollection> {
    this.forget(name);
    const collection = await findCollection(this.database, call, collectionKey(this.#namespace, name));
    if (!collection) throw new ConnectorError('not_found', call, 'There is no such collection.');
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(name, collection);
    return collection;
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.database.close();
  }
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

function outcome<T>(result: Settled<T>): T {
  if ('value' in result) return result.value;
  throw result.error;
}

/** The index that a query asks is gone with the collection, and its dimension may be another. */
function mayBeStale(error: unknown): boolean {
  if (!(error instanceof ConnectorError)) return false;
  return (
    ['not_found', 'invalid_argument'].includes(error.category) || error.vendorCode?.includes('.Procedure.') === true
  );
}
