import type { Capabilities } from './capabilities.ts';
import type { Filter } from './filter/filter.ts';

/** The database vendors a connector can be written for, as the connectors themselves name them. */
export const VENDORS = ['qdrant', 'pinecone', 'weaviate', 'chroma', 'neo4j', 'pgvector'] as const;
export type Vendor = (typeof VENDORS)[number];

export const METRICS = ['cosine', 'dot', 'euclidean'] as const;
export type Metric = (typeof METRICS)[number];

export type Vector = readonly number[] | Float32Array;

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Top-level keys whose value is null count as absent. Filters see scalars and arrays of scalars only. */
export type Metadata = { readonly [key: string]: JsonValue };

export interface VectorRecord {
  /** Any non-empty string of at most 512 bytes; what the vendor's own id looks like is the connector's business. */
  readonly id: string;
  readonly vector: Vector;
  readonly metadata?: Metadata;
  /** The text the vector stands for, stored beside it. */
  readonly document?: string;
}

export interface StoredRecord {
  readonly id: string;
  /** Only when asked for. */
  readonly vector?: Float32Array;
  readonly metadata?: Metadata;
  readonly document?: string;
}

export interface Hit extends StoredRecord {
  /** One range for all vendors, higher is better: see `uniformScore`. */
  readonly score: number;
  /** What the vendor returned: a distance or a similarity, depending on vendor and metric. */
  readonly rawScore: number;
}

/** Every call keeps its deadline and ends on abort, whatever the vendor's SDK does. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** The whole call, retries included. The connector's own default applies when absent. */
  readonly timeoutMs?: number;
}

/** What to return beside the id. Vectors default to false, metadata and document to true. */
export interface Include {
  readonly vector?: boolean;
  readonly metadata?: boolean;
  readonly document?: boolean;
}

export interface CollectionSpec {
  readonly name: string;
  readonly dimension: number;
  readonly metric: Metric;
  /** Metadata fields that filters will name; vendors that need an index for them create it. */
  readonly filterFields?: readonly FilterField[];
  /** An existing collection of the same dimension and metric is success; of another one `conflict`. */
  readonly ifNotExists?: boolean;
}

export interface FilterField {
  readonly name: string;
  readonly type: 'string' | 'number' | 'boolean';
}

export type CollectionState = 'ready' | 'building' | 'degraded' | 'failed' | 'terminating';

export interface CollectionInfo {
  readonly name: string;
  readonly nativeName: string;
  /** Null when the vendor does not know it before the first insert. */
  readonly dimension: number | null;
  /** Null when the collection uses a metric outside the port's three. */
  readonly metric: Metric | null;
  readonly state: CollectionState;
  /** False for a collection that another program made: its ids and metadata are the vendor's own. */
  readonly createdByUs: boolean;
}

export interface CollectionPage {
  readonly collections: readonly CollectionInfo[];
  readonly nextCursor: string | null;
}

export interface Ping {
  readonly latencyMs: number;
  /** True when the answer proves that the credentials were accepted; false when the server asks for none. */
  readonly authenticated: boolean;
}

export interface ServerInfo {
  readonly vendor: Vendor;
  readonly version: string;
  readonly edition?: string;
  /** Machines that form the cluster, when the vendor tells. */
  readonly nodes?: number;
  readonly warnings: readonly string[];
}

export interface CollectionStats {
  /** Exact. */
  readonly records: number;
  /** Of these, in the vector index, when the vendor tells. */
  readonly indexedRecords?: number;
  /** On disk, when the vendor tells. */
  readonly sizeBytes?: number;
}

export interface ServerStats {
  readonly collections: number;
  /** On disk, of all collections, when the vendor tells. */
  readonly sizeBytes?: number;
}

export interface UpsertResult {
  readonly accepted: number;
  /** Records the vendor refused while it took the others. */
  readonly failed: readonly RecordFailure[];
  /** Pass as `afterWrite` to a query that must see this write; vendors that are consistent give none. */
  readonly writeToken?: string;
}

export interface RecordFailure {
  readonly id: string;
  readonly message: string;
}

export interface FetchResult {
  /** In the order asked for, without the missing ones. */
  readonly records: readonly StoredRecord[];
  readonly missing: readonly string[];
}

export interface QueryRequest {
  /** Either a vector or the id of a stored record, which is then left out of its own answer. */
  readonly vector?: Vector;
  readonly id?: string;
  readonly topK: number;
  readonly filter?: Filter;
  /** On the uniform scale. */
  readonly minScore?: number;
  readonly include?: Include;
  /** Compare with every vector instead of asking the index; without effect where `exactSearch` is false. */
  readonly exact?: boolean;
  readonly afterWrite?: string;
}

/** A search by meaning and by words at once. */
export interface HybridRequest {
  readonly vector: Vector;
  /** A document matches when it has any of the words, in upper or lower case; the more and the rarer, the better. */
  readonly text: string;
  readonly topK: number;
  /** Holds for both. */
  readonly filter?: Filter;
  /** How much the vector counts, from 0 (words alone) to 1 (vector alone); 0.5 by default. */
  readonly vectorWeight?: number;
  readonly include?: Include;
  readonly afterWrite?: string;
}

export interface HybridHit extends StoredRecord {
  /** From 0 to 1, higher is better. It comes from ranks, or from the vendor's own mixture: of meaning within one answer. */
  readonly score: number;
}

export interface ScanRequest {
  /** From an earlier page; also valid in another connector for the same vendor and collection. */
  readonly cursor?: string;
  readonly pageSize: number;
  readonly filter?: Filter;
  readonly include?: Include;
}

export interface ScanPage {
  readonly records: readonly StoredRecord[];
  readonly nextCursor: string | null;
}

export interface DeleteResult {
  /** Absent when the vendor does not count. */
  readonly deleted?: number;
}

/**
 * One vendor's server behind one interface. Every method rejects with a `ConnectorError` and nothing else.
 * Writes are idempotent (an upsert replaces the whole record), so that a caller may always repeat them.
 */
export interface VectorConnector {
  readonly vendor: Vendor;
  capabilities(): Capabilities;

  /** The cheapest call that proves that this vendor answers there. */
  ping(options?: CallOptions): Promise<Ping>;
  info(options?: CallOptions): Promise<ServerInfo>;
  /** What the server can say at once, whatever it holds: fit for a health check. */
  serverStats(options?: CallOptions): Promise<ServerStats>;

  /** Pages of at most `limit` (100) collections, in the vendor's order. */
  listCollections(page?: { cursor?: string; limit?: number }, options?: CallOptions): Promise<CollectionPage>;
  describeCollection(name: string, options?: CallOptions): Promise<CollectionInfo>;
  createCollection(spec: CollectionSpec, options?: CallOptions): Promise<CollectionInfo>;
  deleteCollection(name: string, request?: { ifExists?: boolean }, options?: CallOptions): Promise<void>;
  collectionExists(name: string, options?: CallOptions): Promise<boolean>;
  stats(collection: string, options?: CallOptions): Promise<CollectionStats>;

  /** Replaces whole records; splits into vendor-sized batches; of two records with one id the last wins. */
  upsert(collection: string, records: readonly VectorRecord[], options?: CallOptions): Promise<UpsertResult>;
  fetch(collection: string, ids: readonly string[], include?: Include, options?: CallOptions): Promise<FetchResult>;
  /** By score, then by id. */
  query(collection: string, request: QueryRequest, options?: CallOptions): Promise<readonly Hit[]>;
  /** The best of both; `unsupported` where `hybrid` is `none`. */
  hybridQuery(collection: string, request: HybridRequest, options?: CallOptions): Promise<readonly HybridHit[]>;
  /** Exact. */
  count(collection: string, filter?: Filter, options?: CallOptions): Promise<number>;
  deleteByIds(collection: string, ids: readonly string[], options?: CallOptions): Promise<DeleteResult>;
  /** Says how many records it deleted. An empty conjunction deletes all, as it matches all. */
  deleteByFilter(collection: string, filter: Filter, options?: CallOptions): Promise<{ deleted: number }>;
  /** Sets the keys of `patch`; null removes a key. `not_found` when the record is absent. */
  updateMetadata(collection: string, id: string, patch: Metadata, options?: CallOptions): Promise<void>;
  /** Every record once, page by page; a page may be empty before the last. */
  scan(collection: string, request: ScanRequest, options?: CallOptions): Promise<ScanPage>;

  /** Frees sockets and timers. Idempotent; later calls reject as `cancelled`. */
  close(): Promise<void>;
}
