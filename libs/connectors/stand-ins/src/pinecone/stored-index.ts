import type { CreateIndexRequest } from './requests.ts';
import { StoredNamespace } from './stored-namespace.ts';

/** How long the service takes for what it does in the background. */
export interface Lags {
  /** Until an index that was created takes records. */
  readonly createMs: number;
  /** Until the name of a deleted index is free. */
  readonly deleteMs: number;
  /** Until a write is seen. */
  readonly writeMs: number;
}

/** One index: its description, and its namespaces. */
export class StoredIndex {
  readonly name: string;
  readonly host: string;
  readonly dimension: number;
  readonly metric: 'cosine' | 'euclidean' | 'dotproduct';
  readonly namespaces = new Map<string, StoredNamespace>();
  readonly #request: CreateIndexRequest;
  readonly #lags: () => Lags;
  readonly #createdMs = performance.now();
  #deletedMs: number | undefined;

  constructor(request: CreateIndexRequest, host: string, lags: () => Lags) {
    const { dimension, metric } = request.schema.fields._values;
    this.name = request.name;
    this.host = host;
    this.dimension = dimension;
    this.metric = metric;
    this.#request = request;
    this.#lags = lags;
  }

  state(): 'Initializing' | 'Ready' | 'Terminating' | 'gone' {
    const now = performance.now();
    const { createMs, deleteMs } = this.#lags();
    if (this.#deletedMs !== undefined) return now - this.#deletedMs < deleteMs ? 'Terminating' : 'gone';
    return now - this.#createdMs < createMs ? 'Initializing' : 'Ready';
  }

  isProtected(): boolean {
    return this.#request.deletion_protection === 'enabled';
  }

  delete(): void {
    this.#deletedMs ??= performance.now();
  }

  /** The namespace for reading; one that nothing was written to does not exist. */
  namespace(name: string): StoredNamespace | undefined {
    return this.namespaces.get(name);
  }

  /** The namespace for writing: made by its first record. */
  openNamespace(name: string): StoredNamespace {
    const opened = this.namespaces.get(name) ?? new StoredNamespace(() => this.#lags().writeMs);
    this.namespaces.set(name, opened);
    return opened;
  }

  describe(): object {
    const state = this.state();
    const { deployment, deletion_protection = 'disabled', tags } = this.#request;
    return {
      name: this.name,
      host: this.host,
      status: { ready: state === 'Ready', state },
      deployment: { ...deployment, environment: 'stand-in' },
      schema: {
        fields: {
          _values: { type: 'dense_vector', dimension: this.dimension, metric: this.metric, description: null },
          _sparse_values: { type: 'sparse_vector', description: null },
        },
      },
      read_capacity: { mode: 'OnDemand', status: { state: 'Ready' } },
      deletion_protection,
      tags: tags ?? null,
    };
  }
}
