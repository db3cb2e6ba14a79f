import { type Call, ConnectorError, createRedactor, type ServerSettings, tlsOf } from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { weaviateError } from './weaviate.errors.ts';
import { type Line, Lines, openLine } from './weaviate.line.ts';
import type {
  Batch,
  BatchObject,
  HybridArgs,
  ListArgs,
  NearVectorArgs,
  Search,
  SearchReply,
  WeaviateFilter,
} from './weaviate.messages.ts';
import type { WeaviateOptions } from './weaviate.options.ts';
import { sentOnce } from './weaviate.requests.ts';
import { createRest, type Method, type Rest } from './weaviate.rest.ts';

/** A class, and the tenant of it where it has tenants. */
export interface Target {
  readonly className: string;
  readonly tenant?: string;
}

/** Weaviate over REST, for the schema, and over the SDK's gRPC, for everything else. */
export class WeaviateWire {
  readonly rest: Rest;
  readonly lines: Lines;
  readonly consistency: WeaviateOptions['consistency'];
  readonly redact: (text: string) => string;

  constructor(settings: ServerSettings, options: WeaviateOptions, egress: Egress) {
    const { prefix, connections, grpcHost, grpcPort } = options;
    const tls = tlsOf(settings.tls, options);
    const { apiKey, host, password } = settings;
    this.rest = createRest(settings, { prefix, connections, tls }, egress);
    this.lines = new Lines((closing) =>
      openLine({ host: grpcHost ?? host, port: grpcPort, tls }, apiKey, egress, closing),
    );
    this.consistency = options.consistency;
    this.redact = createRedactor([apiKey, password]);
  }

  open(call: Call): WeaviateSession {
    return new WeaviateSession(this, call);
  }

  async close(): Promise<void> {
    this.lines.close();
    await this.rest.close();
  }
}

/** One call's way to the server. Every method ends when the call does, and rejects with a `ConnectorError`. */
export class WeaviateSession {
  readonly call: Call;
  readonly #wire: WeaviateWire;

  constructor(wire: WeaviateWire, call: Call) {
    this.#wire = wire;
    this.call = call;
  }

  request(method: Method, path: string, body?: unknown): Promise<unknown> {
    return this.#told(this.#wire.rest.request(this.call, method, path, body));
  }

  list(target: Target, args: ListArgs): Promise<SearchReply> {
    return this.#search(target, (search) => search.withFetch(args));
  }

  nearest(target: Target, args: NearVectorArgs): Promise<SearchReply> {
    return this.#search(target, (search) => search.withNearVector(args));
  }

  hybrid(target: Target, args: HybridArgs): Promise<SearchReply> {
    return this.#search(target, (search) => search.withHybrid(args));
  }

  count({ className, tenant }: Target, filters: WeaviateFilter | undefined): Promise<number> {
    return this.#over(async ({ connection }, signal) => {
      // The API has no consistency level for it.
      const aggregate = await connection.aggregate(className, undefined, tenant);
      const { singleResult } = await sentOnce(aggregate, signal).withFetch({ filters });
      return singleResult?.objectsCount ?? 0;
    });
  }

  /** What the server refused, by position. */
  write(target: Target, objects: BatchObject[]): Promise<readonly { index: number; error: string }[]> {
    return this.#batch(target, async (batch) => (await batch.withObjects({ objects })).errors);
  }

  /** Of at most 10,000 objects, how many it was. */
  remove(target: Target, filters: WeaviateFilter): Promise<number> {
    return this.#batch(target, async (batch) => (await batch.withDelete({ filters })).successful);
  }

  /** Lets these objects reach the disk: the rehearsal of a deletion writes out what is still in memory. */
  flush(target: Target, filters: WeaviateFilter): Promise<unknown> {
    return this.#batch(target, (batch) => batch.withDelete({ filters, dryRun: true }));
  }

  #search<T>({ className, tenant }: Target, send: (search: Search) => Promise<T>): Promise<T> {
    return this.#over(async ({ connection }, signal) =>
      send(sentOnce(await connection.search(className, this.#wire.consistency, tenant), signal)),
    );
  }

  #batch<T>({ className, tenant }: Target, send: (batch: Batch) => Promise<T>): Promise<T> {
    return this.#over(async ({ connection }, signal) =>
      send(sentOnce(await connection.batch(className, this.#wire.consistency, tenant), signal)),
    );
  }

  #over<T>(work: (line: Line, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#told(this.#wire.lines.use(this.call, work));
  }

  #told<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw error instanceof ConnectorError ? error : weaviateError(error, this.call, this.#wire.redact);
    });
  }
}
