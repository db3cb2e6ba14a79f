import {
  type Call,
  type CallOptions,
  type Calls,
  ConnectorError,
  createCalls,
  type Filter,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { findCollection, isNotFound, type WeaviateCollection } from './weaviate.collections.ts';
import { weaviateError } from './weaviate.errors.ts';
import { toWeaviateFilter } from './weaviate.filter.ts';
import type { WeaviateOptions } from './weaviate.options.ts';
import { type WeaviateSession, WeaviateWire } from './weaviate.wire.ts';

/** Collections that are remembered. */
const KNOWN_MAX = 1_000;

/** Bounded calls to one server, and what is known of its collections. */
export class WeaviateAccess {
  readonly #wire: WeaviateWire;
  readonly #calls: Calls;
  readonly #tenant: string | undefined;
  readonly #known = new Map<string, WeaviateCollection>();

  constructor(settings: ServerSettings, options: WeaviateOptions, egress: Egress) {
    this.#wire = new WeaviateWire(settings, options, egress);
    this.#tenant = options.tenant;
    this.#calls = createCalls({
      vendor: 'weaviate',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => weaviateError(error, origin, (text) => text),
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
    return this.run(operation, options, async (session, call) => {
      const remembered = this.#known.get(name);
      if (!remembered || toWeaviateFilter(filter, remembered).stale) {
        return work(session, await this.find(session, name), call);
      }
      try {
        return await work(session, remembered, call);
      } catch (error) {
        // Not found there, or refused for the dimension of old.
        if (!isNotFound(error) && !isRefused(error)) throw error;
        const current = await this.find(session, name);
        if (current.uid === remembered.uid) throw error;
        return work(session, current, call);
      }
    });
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

  async find(session: WeaviateSession, name: string): Promise<WeaviateCollection> {
    this.forget(name);
    const found = await findCollection(session, name, this.#tenant);
    this.remember(name, found);
    return found;
  }

  remember(name: string, collection: WeaviateCollection): void {
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(name, collection);
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.#wire.close();
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof ConnectorError && error.category === 'invalid_argument';
}
