import {
  type Call,
  type CallOptions,
  type Calls,
  createCalls,
  createKnownCollections,
  type Filter,
  type KnownCollections,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { findCollection, type WeaviateCollection } from './weaviate.collections.ts';
import { weaviateError } from './weaviate.errors.ts';
import { toWeaviateFilter } from './weaviate.filter.ts';
import type { WeaviateOptions } from './weaviate.options.ts';
import { type WeaviateSession, WeaviateWire } from './weaviate.wire.ts';

/** Bounded calls to one server, and what is known of its collections. */
export class WeaviateAccess {
  readonly #wire: WeaviateWire;
  readonly #calls: Calls;
  readonly #known: KnownCollections<WeaviateCollection, WeaviateSession>;

  constructor(settings: ServerSettings, options: WeaviateOptions, egress: Egress) {
    this.#wire = new WeaviateWire(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'weaviate',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => weaviateError(error, origin, (text) => text),
    });
    this.#known = createKnownCollections<WeaviateCollection, WeaviateSession>({
      find: (session, name) => findCollection(session, name, options.tenant),
      isSame: (current, remembered) => current.uid === remembered.uid,
    });
  }

  /** Work on the server as a whole. */
  run<T>(
    operation: string,
    options: CallOptions | undefined,
    work: (session: WeaviateSession, call: Call) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(operation, options, (call) => work(this.#wire.open(call), call));
  }

  /**
   * Work on a collection. One that was deleted and created again since, or that has got the property that a filter asks
   * for, is looked up anew.
   */
  on<T>(
    operation: string,
    name: string,
    options: CallOptions | undefined,
    work: (session: WeaviateSession, collection: WeaviateCollection, call: Call) => Promise<T>,
    filter?: Filter,
  ): Promise<T> {
    return this.run(operation, options, (session, call) =>
      this.#known.on(session, name, (collection) => work(session, collection, call), {
        isStale: (remembered) => toWeaviateFilter(filter, remembered).stale,
      }),
    );
  }

  /**
   * Work that depends on what the collection is now: the first vector of a class fixes its dimension for ever, so that
   * one that is remembered wrongly would be spoilt.
   */
  onCurrent<T>(
    operation: string,
    name: string,
    options: CallOptions | undefined,
    work: (session: WeaviateSession, collection: WeaviateCollection, call: Call) => Promise<T>,
  ): Promise<T> {
    return this.run(operation, options, async (session, call) => work(session, await this.find(session, name), call));
  }

  find(session: WeaviateSession, name: string): Promise<WeaviateCollection> {
    return this.#known.find(session, name);
  }

  exists(name: string, options: CallOptions | undefined): Promise<boolean> {
    return this.run('collectionExists', options, (session) => this.#known.exists(session, name));
  }

  remember(name: string, collection: WeaviateCollection): void {
    this.#known.remember(name, collection);
  }

  forget(name: string): void {
    this.#known.forget(name);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.#wire.close();
  }
}
