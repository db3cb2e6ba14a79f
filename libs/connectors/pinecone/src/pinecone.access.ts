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
import { pineconeError } from './pinecone.errors.ts';
import { findIndex, type PineconeIndex } from './pinecone.indexes.ts';
import type { PineconeOptions } from './pinecone.options.ts';
import { createPineconeWire, type PineconeSession, type PineconeWire } from './pinecone.wire.ts';

/** One call on an index. */
export interface PineconeCall {
  readonly session: PineconeSession;
  readonly index: PineconeIndex;
  readonly call: Call;
}

/** Bounded calls to one project, and what is known of its indexes: not kept by the SDK, which shares it by name alone. */
export class PineconeAccess {
  readonly #wire: PineconeWire;
  readonly #calls: Calls;
  /** Their hosts and shapes. */
  readonly #known: KnownCollections<PineconeIndex, Call>;

  constructor(settings: ServerSettings, options: PineconeOptions, egress: Egress) {
    this.#wire = createPineconeWire(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'pinecone',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => pineconeError(error, origin, (text) => text),
    });
    this.#known = createKnownCollections<PineconeIndex, Call>({
      find: (call, name) => this.#wire.run(call, (session) => findIndex(session, call, name)),
      isSame: (current, remembered) => current.identity === remembered.identity && current.host === remembered.host,
      // The name of an index's host goes with it.
      isOutdated: ({ vendorCode }) => vendorCode === 'ENOTFOUND',
    });
  }

  /** Work on the project as a whole. */
  run<T>(
    operation: string,
    options: CallOptions | undefined,
    work: (session: PineconeSession, call: Call) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(operation, options, (call) => this.#wire.run(call, (session) => work(session, call)));
  }

  /** Work on an index. One that was deleted and created again since is looked up anew. */
  on<T>(
    operation: string,
    name: string,
    options: CallOptions | undefined,
    work: (on: PineconeCall) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(operation, options, (call) =>
      this.#known.on(call, name, (index) => this.#wire.run(call, (session) => work({ session, index, call }))),
    );
  }

  find(call: Call, name: string): Promise<PineconeIndex> {
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
