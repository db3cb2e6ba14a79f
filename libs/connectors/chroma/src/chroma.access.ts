import {
  type Call,
  type CallOptions,
  type Calls,
  createCalls,
  createKnownCollections,
  type KnownCollections,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { type ChromaCollection, findCollection } from './chroma.collections.ts';
import { chromaError } from './chroma.errors.ts';
import type { ChromaOptions } from './chroma.options.ts';
import { type ChromaSession, type ChromaWire, createChromaWire } from './chroma.wire.ts';

/** Bounded calls to one server, and what is known of its collections. */
export class ChromaAccess {
  readonly #wire: ChromaWire;
  readonly #calls: Calls;
  /** Their UUIDs and dimensions. */
  readonly #known: KnownCollections<ChromaCollection, Call>;

  constructor(settings: ServerSettings, options: ChromaOptions, egress: Egress) {
    this.#wire = createChromaWire(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'chroma',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => chromaError(error, origin, {}, (text) => text),
    });
    this.#known = createKnownCollections<ChromaCollection, Call>({
      find: (call, name) => this.within(call, (session) => findCollection(session, call, name)),
      isSame: (current, remembered) => current.uuid === remembered.uuid,
    });
  }

  /** Work on the server as a whole. */
  run<T>(
    operation: string,
    options: CallOptions | undefined,
    work: (session: ChromaSession, call: Call) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(operation, options, (call) => this.within(call, (session) => work(session, call)));
  }

  /** A part of a running call whose own failure is of interest. */
  within<T>(call: Call, work: (session: ChromaSession) => Promise<T>): Promise<T> {
    return this.#wire.run(call, work);
  }

  /** Work on a collection by its UUID. One that was deleted and created again since is looked up anew. */
  on<T>(
    operation: string,
    name: string,
    options: CallOptions | undefined,
    work: (session: ChromaSession, info: ChromaCollection, call: Call) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(operation, options, (call) =>
      this.#known.on(call, name, (info) => this.within(call, (session) => work(session, info, call))),
    );
  }

  find(call: Call, name: string): Promise<ChromaCollection> {
    return this.#known.find(call, name);
  }

  exists(name: string, options: CallOptions | undefined): Promise<boolean> {
    return this.#calls.run('collectionExists', options, (call) => this.#known.exists(call, name));
  }

  forget(name: string): void {
    this.#known.forget(name);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.#wire.close();
  }
}
