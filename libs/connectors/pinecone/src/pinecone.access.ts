import {
  type Call,
  type CallOptions,
  type Calls,
  type Category,
  ConnectorError,
  createCalls,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { pineconeError } from './pinecone.errors.ts';
import { findIndex, type PineconeIndex } from './pinecone.indexes.ts';
import type { PineconeOptions } from './pinecone.options.ts';
import { createPineconeWire, type PineconeSession, type PineconeWire } from './pinecone.wire.ts';

/** Indexes whose host and shape are remembered. */
const KNOWN_MAX = 1_000;

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
  readonly #known = new Map<string, PineconeIndex>();

  constructor(settings: ServerSettings, options: PineconeOptions, egress: Egress) {
    this.#wire = createPineconeWire(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'pinecone',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => pineconeError(error, origin, (text) => text),
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
    return this.#calls.run(operation, options, async (call) => {
      const attempt = (index: PineconeIndex) => this.#wire.run(call, (session) => work({ session, index, call }));
      const remembered = this.#known.get(name);
      if (!remembered) return attempt(await this.find(call, name));
      try {
        return await attempt(remembered);
      } catch (error) {
        if (!mayBeOutdated(error)) throw error;
        const current = await this.find(call, name);
        if (current.identity === remembered.identity && current.host === remembered.host) throw error;
        return attempt(current);
      }
    });
  }

  async find(call: Call, name: string): Promise<PineconeIndex> {
    this.forget(name);
    const found = await this.#wire.run(call, (session) => findIndex(session, call, name));
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(name, found);
    return found;
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.#wire.close();
  }
}

// Not there any more, of another dimension than it was, or its host's name gone with it.
const OUTDATED: ReadonlySet<Category> = new Set(['not_found', 'invalid_argument']);

function mayBeOutdated(error: unknown): boolean {
  if (!(error instanceof ConnectorError)) return false;
  return OUTDATED.has(error.category) || error.vendorCode === 'ENOTFOUND';
}
