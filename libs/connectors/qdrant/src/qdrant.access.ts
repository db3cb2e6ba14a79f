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
import { findCollection, nativeCollectionName, type QdrantCollection } from './qdrant.collections.ts';
import { qdrantError } from './qdrant.errors.ts';
import type { QdrantOptions } from './qdrant.options.ts';
import { createQdrantWire, type QdrantWire } from './qdrant.wire.ts';

/** One collection in one call, and the way to it. */
export interface OnCollection {
  readonly wire: QdrantWire;
  readonly call: Call;
  readonly info: QdrantCollection;
  readonly options: QdrantOptions;
}

/** Bounded calls to one server, and what is known of its collections. */
export class QdrantAccess {
  readonly #options: QdrantOptions;
  readonly #wire: QdrantWire;
  readonly #calls: Calls;
  /** Only our own: of others nothing tells that they are no longer what they were. */
  readonly #known: KnownCollections<QdrantCollection, Call>;

  constructor(settings: ServerSettings, options: QdrantOptions, egress: Egress) {
    this.#options = options;
    this.#wire = createQdrantWire(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'qdrant',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => qdrantError(error, origin, {}, (text) => text),
    });
    this.#known = createKnownCollections<QdrantCollection, Call>({
      find: (call, name) => findCollection(this.#wire, call, nativeCollectionName(name)),
      isSame,
      keep: ({ createdByUs }) => createdByUs,
    });
  }

  /** Work on the server as a whole. */
  run<T>(
    operation: string,
    options: CallOptions | undefined,
    work: (wire: QdrantWire, call: Call) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(operation, options, (call) => work(this.#wire, call));
  }

  /** Work on a collection. One that was deleted and created again since with other vectors is looked up anew. */
  on<T>(
    operation: string,
    name: string,
    options: CallOptions | undefined,
    work: (on: OnCollection) => Promise<T>,
  ): Promise<T> {
    return this.run(operation, options, (wire, call) =>
      this.#known.on(call, name, (info) => work({ wire, call, info, options: this.#options })),
    );
  }

  find(call: Call, name: string): Promise<QdrantCollection> {
    return this.#known.find(call, name);
  }

  exists(name: string, options: CallOptions | undefined): Promise<boolean> {
    return this.run('collectionExists', options, (_, call) => this.#known.exists(call, name));
  }

  forget(name: string): void {
    this.#known.forget(name);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.#wire.close();
  }
}

function isSame(a: QdrantCollection, b: QdrantCollection): boolean {
  return a.vectorName === b.vectorName && a.dimension === b.dimension && a.words === b.words;
}
