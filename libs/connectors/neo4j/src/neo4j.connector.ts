import {
  alreadyExists,
  type CallOptions,
  type Capabilities,
  type CollectionInfo,
  type CollectionPage,
  type CollectionSpec,
  type CollectionStats,
  checkCollectionSpec,
  checkHybrid,
  checkIds,
  checkPresent,
  checkQuery,
  checkRecords,
  checkScan,
  type DeleteResult,
  encodeCursor,
  type FetchResult,
  type Filter,
  fetchByIds,
  type Hit,
  type HybridHit,
  type HybridRequest,
  hasCategory,
  type Include,
  isNotFound,
  isText,
  type Metadata,
  metadataProblem,
  noSuchRecord,
  type Ping,
  pagePosition,
  type QueryRequest,
  queryVector,
  refuse,
  type ScanPage,
  type ScanRequest,
  type ServerInfo,
  type ServerSettings,
  type ServerStats,
  toCollectionInfo,
  type UpsertResult,
  type VectorConnector,
  type VectorRecord,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { Neo4jAccess } from './neo4j.access.ts';
import {
  countCollections,
  createCollection,
  createIndexes,
  deleteCollection,
  listCollections,
  prepareDatabase,
  stateOf,
} from './neo4j.collections.ts';
import { hybridRecords } from './neo4j.hybrid.ts';
import { NEO4J_CAPABILITIES, type Neo4jOptions } from './neo4j.options.ts';
import { queryRecords } from './neo4j.query.ts';
import {
  countRecords,
  deleteMatching,
  deleteRecords,
  fetchRecords,
  type On,
  patchRecord,
  scanRecords,
  upsertRecords,
} from './neo4j.records.ts';
import { checkServer } from './neo4j.server.ts';

const LIST_LIMIT = 100;
const LIMITS = { recordsMax: NEO4J_CAPABILITIES.maxBatchRecords, bytesMax: NEO4J_CAPABILITIES.maxBatchBytes };

/** Neo4j 5.23 or later: a collection is a label with a vector index. Nothing is sent before the first call. */
export class Neo4jConnector implements VectorConnector {
  readonly vendor = 'neo4j';
  readonly #options: Neo4jOptions;
  readonly #access: Neo4jAccess;
  #prepared = false;

  constructor(settings: ServerSettings, options: Neo4jOptions, egress: Egress) {
    this.#options = options;
    this.#access = new Neo4jAccess(settings, options, egress);
  }

  capabilities(): Capabilities {
    return NEO4J_CAPABILITIES;
  }

  ping(options?: CallOptions): Promise<Ping> {
    return this.#access.run('ping', options, async (call) => {
      const before = performance.now();
      await checkServer(this.#access.database, call);
      return { latencyMs: performance.now() - before, authenticated: true };
    });
  }

  info(options?: CallOptions): Promise<ServerInfo> {
    return this.#access.run('info', options, (call) => checkServer(this.#access.database, call));
  }

  serverStats(options?: CallOptions): Promise<ServerStats> {
    return this.#access.run('serverStats', options, async (call) => ({
      collections: await countCollections(this.#access.database, call, this.#options.namespace),
    }));
  }

  listCollections(page: { cursor?: string; limit?: number } = {}, options?: CallOptions): Promise<CollectionPage> {
    return this.#access.run('listCollections', options, async (call) => {
      const { cursor, limit = LIST_LIMIT } = page;
      const after = pagePosition(call, cursor, '', isText) ?? '';
      const { namespace } = this.#options;
      const collections = await listCollections(this.#access.database, call, { namespace, after, limit });
      const last = collections.length < limit ? undefined : collections.at(-1);
      return {
        collections: collections.map(toCollectionInfo),
        nextCursor: last ? encodeCursor('neo4j', '', last.key) : null,
      };
    });
  }

  describeCollection(name: string, options?: CallOptions): Promise<CollectionInfo> {
    return this.#access.run('describeCollection', options, async (call) => {
      const collection = await this.#access.find(call, name);
      return { ...toCollectionInfo(collection), state: await stateOf(this.#access.database, call, collection) };
    });
  }

  collectionExists(name: string, options?: CallOptions): Promise<boolean> {
    return this.#access.exists(name, options);
  }

  stats(collection: string, options?: CallOptions): Promise<CollectionStats> {
    return this.#access.on(
      'stats',
      collection,
      options,
      async (on) => ({ records: await countRecords(on) }),
      ({ records }) => records === 0,
    );
  }

  createCollection(spec: CollectionSpec, options?: CallOptions): Promise<CollectionInfo> {
    return this.#access.run('createCollection', options, async (call) => {
      checkCollectionSpec(call, spec, NEO4J_CAPABILITIES);
      const { database } = this.#access;
      if (!this.#prepared) await prepareDatabase(database, call);
      this.#prepared = true;
      try {
        return toCollectionInfo(await createCollection(database, call, spec, this.#options));
      } catch (error) {
        if (!hasCategory(error, 'already_exists')) throw error;
        if (!spec.ifNotExists) throw alreadyExists(call);
      }
      const present = await this.#access.find(call, spec.name);
      checkPresent(call, present, spec);
      await createIndexes(database, call, present, this.#options.index);
      return toCollectionInfo(present);
    });
  }

  deleteCollection(name: string, request: { ifExists?: boolean } = {}, options?: CallOptions): Promise<void> {
    return this.#access.run('deleteCollection', options, async (call) => {
      try {
        const collection = await this.#access.find(call, name);
        this.#access.forget(name);
        await deleteCollection(this.#access.database, call, collection);
      } catch (error) {
        if (!request.ifExists || !isNotFound(error)) throw error;
      }
    });
  }

  upsert(collection: string, records: readonly VectorRecord[], options?: CallOptions): Promise<UpsertResult> {
    return this.#access.on('upsert', collection, options, async (on) => {
      checkRecords(on.call, records, on.collection);
      await upsertRecords(on, records, LIMITS);
      return { accepted: records.length, failed: [] };
    });
  }

  fetch(
    collection: string,
    ids: readonly string[],
    include: Include = {},
    options?: CallOptions,
  ): Promise<FetchResult> {
    const work = (on: On) => fetchByIds(on.call, ids, include, (unique, wanted) => fetchRecords(on, unique, wanted));
    return this.#access.on('fetch', collection, options, work, ({ records }) => records.length === 0);
  }

  query(collection: string, request: QueryRequest, options?: CallOptions): Promise<readonly Hit[]> {
    const work = async (on: On) => {
      checkQuery(on.call, request, on.collection, NEO4J_CAPABILITIES.maxTopK);
      const vector = await queryVector(on.call, request, (ids, wanted) => fetchRecords(on, ids, wanted));
      return queryRecords(on, { ...request, vector }, this.#options.index);
    };
    return this.#access.on('query', collection, options, work, (hits) => hits.length === 0);
  }

  hybridQuery(collection: string, request: HybridRequest, options?: CallOptions): Promise<readonly HybridHit[]> {
    const work = (on: On) => {
      checkHybrid(on.call, request, on.collection, NEO4J_CAPABILITIES.maxTopK);
      return hybridRecords(on, request, this.#options.index);
    };
    return this.#access.on('hybridQuery', collection, options, work, (hits) => hits.length === 0);
  }

  count(collection: string, filter?: Filter, options?: CallOptions): Promise<number> {
    const work = (on: On) => countRecords(on, filter);
    return this.#access.on('count', collection, options, work, (count) => count === 0);
  }

  deleteByIds(collection: string, ids: readonly string[], options?: CallOptions): Promise<DeleteResult> {
    const work = async (on: On) => {
      checkIds(on.call, ids);
      return { deleted: await deleteRecords(on, ids) };
    };
    return this.#access.on('deleteByIds', collection, options, work, ({ deleted }) => deleted === 0);
  }

  deleteByFilter(collection: string, filter: Filter, options?: CallOptions): Promise<{ deleted: number }> {
    const work = async (on: On) => ({ deleted: await deleteMatching(on, filter) });
    return this.#access.on('deleteByFilter', collection, options, work, ({ deleted }) => deleted === 0);
  }

  updateMetadata(collection: string, id: string, patch: Metadata, options?: CallOptions): Promise<void> {
    return this.#access.on('updateMetadata', collection, options, async (on) => {
      checkIds(on.call, [id]);
      refuse(on.call, metadataProblem(patch));
      if (!(await patchRecord(on, id, patch))) throw noSuchRecord(on.call);
    });
  }

  scan(collection: string, request: ScanRequest, options?: CallOptions): Promise<ScanPage> {
    const work = async (on: On) => {
      checkScan(on.call, request);
      const { cursor, filter, pageSize: limit, include = {} } = request;
      const after = pagePosition(on.call, cursor, collection, isText) ?? '';
      const records = await scanRecords(on, { after, limit, filter, include });
      const last = records.length < limit ? undefined : records.at(-1);
      return { records, nextCursor: last ? encodeCursor('neo4j', collection, last.id) : null };
    };
    return this.#access.on('scan', collection, options, work, ({ records }) => records.length === 0);
  }

  close(): Promise<void> {
    return this.#access.close();
  }
}
