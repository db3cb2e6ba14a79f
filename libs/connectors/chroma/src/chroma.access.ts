import {
  type Call,
  type CallOptions,
  type Calls,
  ConnectorError,
  createCalls,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { type ChromaCollection, findCollection } from './chroma.collections.ts';
import { chromaError } from './chroma.errors.ts';
import type { ChromaOptions } from './chroma.options.ts';
import { type ChromaSession, type ChromaWire, createChromaWire } from './chroma.wire.ts';

/** Collections whose UUID and dimension are remembered. */
const KNOWN_MAX = 1_000;

/** Bounded calls to one server, and what is known of its collections. */
export class ChromaAccess {
  readonly #wire: ChromaWire;
  readonly #calls: Calls;
  readonly #known = new Map<string, ChromaCollection>();

  constructor(settings: ServerSettings, options: ChromaOptions, egress: Egress) {
    this.#wire = createChromaWire(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'chroma',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => chromaError(error, origin, {}, (text) => text),
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
    return this.#calls.run(operation, options, async (call) => {
      const attempt = (info: ChromaCollection) => this.within(call, (session) => work(session, info, call));
      const remembered = this.#known.get(name);
      if (!remembered) return attempt(await this.find(call, name));
      try {
        return await attempt(remembered);
      } catch (error) {
        // Not found there, or refused for the dimension of old.
        if (!isNotFound(error) && !isRefused(error)) throw error;
        const current = await this.find(call, name);
        if (current.uuid === remembered.uuid) throw error;
        return attempt(current);
      }
    });
  }

  async find(call: Call, name: string): Promise<ChromaCollection> {
    this.forget(name);
    const found = await this.within(call, (session) => findCollection(session, call, name));
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

export function isNotFound(error: unknown): boolean {
  return error instanceof ConnectorError && error.category === 'not_found';
}

function isRefused(error: unknown): boolean {
  return error instanceof ConnectorError && error.category === 'invalid_argument';
}
