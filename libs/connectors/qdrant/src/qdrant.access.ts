import {
  type Call,
  type CallOptions,
  type Calls,
  ConnectorError,
  createCalls,
  type ServerSettings,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { findCollection, nativeCollectionName, type QdrantCollection } from './qdrant.collections.ts';
import { qdrantError } from './qdrant.errors.ts';
import type { QdrantOptions } from './qdrant.options.ts';
import { createQdrantWire, type QdrantWire } from './qdrant.wire.ts';

/** Collections that are remembered. */
const KNOWN_MAX = 1_000;

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
  readonly #known = new Map<string, QdrantCollection>();

  constructor(settings: ServerSettings, options: QdrantOptions, egress: Egress) {
    this.#options = options;
    this.#wire = createQdrantWire(settings, options, egress);
    this.#calls = createCalls({
      vendor: 'qdrant',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => qdrantError(error, origin, {}, (text) => text),
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
    return this.run(operation, options, async (wire, call) => {
      const attempt = (info: QdrantCollection) => work({ wire, call, info, options: this.#options });
      const remembered = this.#known.get(name);
      if (!remembered) return attempt(await this.find(call, name));
      try {
        return await attempt(remembered);
      } catch (error) {
        if (!isOutdated(error)) throw error;
        const current = await this.find(call, name);
        if (isSame(current, remembered)) throw error;
        return attempt(current);
      }
    });
  }

  /** Only our own are remembered: of others nothing tells that they are no longer what they were. */
  async find(call: Call, name: string): Promise<QdrantCollection> {
    this.forget(name);
    const found = await findCollection(this.#wire, call, nativeCollectionName(name));
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    if (found.createdByUs) this.#known.set(name, found);
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

function isOutdated(error: unknown): boolean {
  return isNotFound(error) || (error instanceof ConnectorError && error.category === 'invalid_argument');
}

function isSame(a: QdrantCollection, b: QdrantCollection): boolean {
  return a.vectorName === b.vectorName && a.dimension === b.dimension && a.words === b.words;
}
