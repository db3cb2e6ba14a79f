import {
  type CallOptions,
  type Capabilities,
  type CollectionInfo,
  type CollectionSpec,
  ConnectorError,
  compareHits,
  exactScore,
  type Filter,
  type Hit,
  matches,
  type QueryRequest,
  type ScanRequest,
  type StoredRecord,
  type VectorConnector,
  type VectorRecord,
} from '@morag/connectors-core';

const CAPABILITIES: Capabilities = {
  metrics: ['cosine', 'euclidean'],
  maxDimension: 64,
  maxIndexedDimension: 64,
  maxBatchRecords: 100,
  maxBatchBytes: 1_000_000,
  maxTopK: 1_000,
  nativeFilters: { exists: true, not: true, stringRange: true },
  atomicReplace: true,
  readAfterWrite: true,
  deleteCounts: true,
  scanOrder: 'stable',
  authentication: false,
  cosineVectors: 'exact',
  exactSearch: true,
  hybrid: 'none',
  namespaces: false,
  uncleanStopWindowMs: 0,
  repairByReplacing: false,
};

interface MemoryCollection {
  readonly spec: CollectionSpec;
  readonly records: Map<string, StoredRecord>;
}

/** A database server in memory, exact by the connectors' own oracle, whose failures the tests decide. */
export class MemoryServer {
  readonly collections = new Map<string, MemoryCollection>();
  capabilities: Capabilities = CAPABILITIES;
  /** Thrown by every request while it is set. */
  down: ConnectorError['category'] | undefined;
  /** Stored by a crash where no search finds them: writing over them repairs nothing. */
  readonly broken = new Set<string>();
  /** Thrown by requests of one kind. */
  downFor: Readonly<Record<string, ConnectorError['category']>> = {};
  pings = 0;
  /** Records that the server refuses: their ids and why. */
  readonly refused = new Map<string, string>();
  /** Refuses the whole call instead of the records in it. */
  refusesWhole = false;
  /** Records that make it break down: nothing of the call is taken. */
  readonly failsAt = new Set<string>();
  /** Requests that failed. */
  failures = 0;
  /** Called before each upsert takes effect; may wait or throw. */
  beforeUpsert: (records: readonly VectorRecord[]) => Promise<void> = async () => {};
  /** Called before each page of a scan is read; may wait or throw. */
  beforeScan: () => Promise<void> = async () => {};
  /** Called before a collection is deleted; may wait or throw. */
  beforeDelete: (signal: AbortSignal | undefined) => Promise<void> = async () => {};
  /** Sizes of the upserts that took effect. */
  readonly upserts: number[] = [];
  /** Told when the server's process ends. */
  readonly lifelines = new Set<() => void>();
  opened = 0;
  closed = 0;

  records(collection: string): Map<string, StoredRecord> {
    return this.collection(collection, 'test').records;
  }

  open(): VectorConnector {
    this.opened++;
    return new MemoryConnector(this);
  }

  collection(name: string, operation: string): MemoryCollection {
    const found = this.collections.get(name);
    if (!found)
      throw new ConnectorError('not_found', { vendor: 'chroma', operation }, `There is no collection ${name}.`);
    return found;
  }
}

class MemoryConnector implements VectorConnector {
  readonly vendor = 'chroma';
  readonly #server: MemoryServer;

  constructor(server: MemoryServer) {
    this.#server = server;
  }

  capabilities(): Capabilities {
    return this.#server.capabilities;
  }

  async ping() {
    this.#server.pings++;
    this.#check('ping');
    return { latencyMs: 1, authenticated: false };
  }

  async info() {
    return { vendor: this.vendor, version: '1.0.0', warnings: [] } as const;
  }

  async serverStats() {
    this.#check('serverStats');
    return { collections: this.#server.collections.size };
  }

  async stats(collection: string) {
    return { records: this.#find(collection, 'stats').records.size };
  }

  async listCollections({ cursor = '', limit = 100 }: { cursor?: string; limit?: number } = {}) {
    this.#check('listCollections');
    const names = [...this.#server.collections.keys()].filter((name) => name > cursor).toSorted();
    const collections = names.slice(0, limit).map((name) => toInfo(this.#find(name, 'listCollections').spec));
    return { collections, nextCursor: names.length > limit ? (collections.at(-1)?.name ?? null) : null };
  }

  async describeCollection(name: string): Promise<CollectionInfo> {
    return toInfo(this.#find(name, 'describeCollection').spec);
  }

  async createCollection(spec: CollectionSpec): Promise<CollectionInfo> {
    this.#check('createCollection');
    if (!this.#server.collections.has(spec.name)) this.#server.collections.set(spec.name, { spec, records: new Map() });
    else if (!spec.ifNotExists) throw this.#error('already_exists', 'createCollection', 'It exists.');
    return toInfo(spec);
  }

  async deleteCollection(name: string, { ifExists = false } = {}, { signal }: CallOptions = {}): Promise<void> {
    this.#check('deleteCollection');
    await this.#server.beforeDelete(signal);
    if (!this.#server.collections.delete(name) && !ifExists)
      throw this.#error('not_found', 'deleteCollection', 'Gone.');
  }

  async collectionExists(name: string): Promise<boolean> {
    this.#check('collectionExists');
    return this.#server.collections.has(name);
  }

  async upsert(collection: string, records: readonly VectorRecord[]) {
    this.#check('upsert');
    await this.#server.beforeUpsert(records);
    if (records.some(({ id }) => this.#server.failsAt.has(id)))
      throw this.#error('internal', 'upsert', 'It broke down.');
    const { records: stored } = this.#find(collection, 'upsert');
    const refused = records.flatMap(({ id }) => {
      const message = this.#server.refused.get(id);
      return message === undefined ? [] : [{ id, message }];
    });
    if (refused.length > 0 && this.#server.refusesWhole) {
      throw this.#error('invalid_argument', 'upsert', refused.map(({ message }) => message).join());
    }
    const bad = new Set(refused.map(({ id }) => id));
    for (const { id, vector, metadata, document } of records) {
      if (!bad.has(id) && !this.#server.broken.has(id))
        stored.set(id, { id, vector: Float32Array.from(vector), metadata, document });
    }
    this.#server.upserts.push(records.length);
    return { accepted: records.length - refused.length, failed: refused };
  }

  async fetch(collection: string, ids: readonly string[]) {
    const { records } = this.#find(collection, 'fetch');
    const found = ids.flatMap((id) => records.get(id) ?? []);
    return { records: found, missing: ids.filter((id) => !records.has(id)) };
  }

  async hybridQuery(): Promise<never> {
    throw this.#error('unsupported', 'hybridQuery', 'It knows no words.');
  }

  async query(collection: string, { vector = [], topK, filter, minScore = 0 }: QueryRequest): Promise<readonly Hit[]> {
    const { spec, records } = this.#find(collection, 'query');
    return [...records.values()]
      .filter(({ metadata }) => !filter || matches(filter, metadata))
      .map((record) => {
        const score = exactScore(spec.metric, vector, record.vector ?? []);
        return { ...record, vector: undefined, score, rawScore: score };
      })
      .filter(({ score }) => score >= minScore)
      .toSorted(compareHits)
      .slice(0, topK);
  }

  async count(collection: string, filter?: Filter): Promise<number> {
    const records = [...this.#find(collection, 'count').records.values()];
    return records.filter(({ metadata }) => !filter || matches(filter, metadata)).length;
  }

  async deleteByIds(collection: string, ids: readonly string[]) {
    const { records } = this.#find(collection, 'deleteByIds');
    for (const id of ids) this.#server.broken.delete(id);
    return { deleted: ids.filter((id) => records.delete(id)).length };
  }

  async deleteByFilter(): Promise<{ deleted: number }> {
    throw this.#error('unsupported', 'deleteByFilter', 'The log deletes by id.');
  }

  async updateMetadata(): Promise<void> {
    throw this.#error('unsupported', 'updateMetadata', 'The log replaces whole records.');
  }

  async scan(collection: string, { cursor = '', pageSize, filter }: ScanRequest) {
    this.#check('scan');
    await this.#server.beforeScan();
    const { records } = this.#find(collection, 'scan');
    const after = [...records.values()].filter(({ id }) => id > cursor).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const page = after.filter(({ metadata }) => !filter || matches(filter, metadata));
    const last = page[pageSize - 1];
    return { records: page.slice(0, pageSize), nextCursor: page.length > pageSize && last ? last.id : null };
  }

  async close(): Promise<void> {
    this.#server.closed++;
  }

  #find(name: string, operation: string): MemoryCollection {
    this.#check(operation);
    return this.#server.collection(name, operation);
  }

  #check(operation: string): void {
    const down = this.#server.down ?? this.#server.downFor[operation];
    if (down) throw this.#error(down, operation, 'The server is away.');
  }

  #error(category: ConnectorError['category'], operation: string, message: string): ConnectorError {
    this.#server.failures++;
    return new ConnectorError(category, { vendor: this.vendor, operation }, message);
  }
}

function toInfo({ name, dimension, metric }: CollectionSpec): CollectionInfo {
  return { name, nativeName: name, dimension, metric, state: 'ready', createdByUs: true };
}
