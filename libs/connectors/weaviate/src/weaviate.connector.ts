import {
  alreadyExists,
  type Call,
  type CallOptions,
  type Capabilities,
  type CollectionInfo,
  type CollectionPage,
  type CollectionSpec,
  type CollectionStats,
  ConnectorError,
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
import { WeaviateAccess } from './weaviate.access.ts';
import {
  createCollection,
  deleteCollection,
  listCollections,
  type WeaviateCollection,
} from './weaviate.collections.ts';
import { Doubts } from './weaviate.doubts.ts';
import { WEAVIATE_CAPABILITIES, type WeaviateOptions } from './weaviate.options.ts';
import { hybridRecords, queryRecords } from './weaviate.query.ts';
import { countMatching, deleteMatching, deleteRecords, fetchRecords, upsertRecords } from './weaviate.records.ts';
import { isWeaviatePosition, scanRecords } from './weaviate.scan.ts';
import { nodesOf, probeGrpc, serverVersion, tenantWarnings } from './weaviate.server.ts';
import type { WeaviateSession } from './weaviate.wire.ts';

const LIST_LIMIT = 100;

/** Weaviate, from 1.29 on. Nothing is sent before the first call. */
export class WeaviateConnector implements VectorConnector {
  readonly vendor = 'weaviate';
  readonly #settings: ServerSettings;
  readonly #options: WeaviateOptions;
  readonly #access: WeaviateAccess;
  readonly #doubts = new Doubts();

  constructor(settings: ServerSettings, options: WeaviateOptions, egress: Egress) {
    this.#settings = settings;
    this.#options = options;
    this.#access = new WeaviateAccess(settings, options, egress);
  }

  capabilities(): Capabilities {
    return WEAVIATE_CAPABILITIES;
  }

  ping(options?: CallOptions): Promise<Ping> {
    return this.#access.run('ping', options, async (session) => {
      const before = performance.now();
      await serverVersion(session);
      await probeGrpc(session);
      return { latencyMs: performance.now() - before, authenticated: this.#settings.apiKey !== undefined };
    });
  }

  info(options?: CallOptions): Promise<ServerInfo> {
    return this.#access.run('info', options, async (session) => {
      const version = await serverVersion(session);
      const { nodes, warnings } = await nodesOf(session);
      const ofTenant = await tenantWarnings(session, this.#options.tenant);
      return { vendor: 'weaviate', version, nodes, warnings: [...warnings, ...ofTenant] };
    });
  }

  serverStats(options?: CallOptions): Promise<ServerStats> {
    return this.#access.run('serverStats', options, async (session) => ({
      collections: (await listCollections(session, this.#options.tenant)).length,
    }));
  }

  listCollections(page: { cursor?: string; limit?: number } = {}, options?: CallOptions): Promise<CollectionPage> {
    return this.#access.run('listCollections', options, async (session, call) => {
      const { cursor, limit = LIST_LIMIT } = page;
      const after = pagePosition(call, cursor, '', isText) ?? '';
      const all = await listCollections(session, this.#options.tenant);
      const rest = all.filter(({ nativeName }) => nativeName > after);
      const found = rest.slice(0, limit);
      const last = found.at(-1);
      const nextCursor = rest.length > limit && last ? encodeCursor('weaviate', '', last.nativeName) : null;
      return { collections: found.map(toCollectionInfo), nextCursor };
    });
  }

  describeCollection(name: string, options?: CallOptions): Promise<CollectionInfo> {
    return this.#access.run('describeCollection', options, async (session) =>
      toCollectionInfo(await this.#access.find(session, name)),
    );
  }

  collectionExists(name: string, options?: CallOptions): Promise<boolean> {
    return this.#access.exists(name, options);
  }

  stats(collection: string, options?: CallOptions): Promise<CollectionStats> {
    return this.#access.on('stats', collection, options, async (session, { target }) => ({
      records: await session.count(target, undefined),
    }));
  }

  createCollection(spec: CollectionSpec, options?: CallOptions): Promise<CollectionInfo> {
    return this.#access.run('createCollection', options, async (session, call) => {
      checkCollectionSpec(call, spec, WEAVIATE_CAPABILITIES);
      try {
        return toCollectionInfo(await createCollection(session, spec, this.#options));
      } catch (error) {
        if (!hasCategory(error, 'already_exists')) throw error;
        if (!spec.ifNotExists) throw alreadyExists(call);
      }
      const present = await this.#access.find(session, spec.name);
      checkPresent(call, present, spec);
      return toCollectionInfo(present);
    });
  }

  deleteCollection(name: string, request: { ifExists?: boolean } = {}, options?: CallOptions): Promise<void> {
    return this.#access.run('deleteCollection', options, async (session) => {
      try {
        // The server calls the deletion of what is not there a success.
        const { target } = await this.#access.find(session, name);
        this.#access.forget(name);
        await deleteCollection(session, target);
      } catch (error) {
        if (!request.ifExists || !isNotFound(error)) throw error;
      }
    });
  }

  upsert(collection: string, records: readonly VectorRecord[], options?: CallOptions): Promise<UpsertResult> {
    return this.#access.onCurrent('upsert', collection, options, async (session, current, call) => {
      checkRecords(call, records, current);
      requireOurs(current, call);
      const written = await upsertRecords(session, current, records, this.#doubts);
      this.#access.remember(collection, written.collection);
      return { accepted: records.length - written.failed.length, failed: written.failed };
    });
  }

  fetch(
    collection: string,
    ids: readonly string[],
    include: Include = {},
    options?: CallOptions,
  ): Promise<FetchResult> {
    return this.#access.on('fetch', collection, options, (session, current, call) =>
      fetchByIds(call, ids, include, (unique, wanted) => fetchRecords(session, current, unique, wanted)),
    );
  }

  query(collection: string, request: QueryRequest, options?: CallOptions): Promise<readonly Hit[]> {
    const work = async (session: WeaviateSession, current: WeaviateCollection, call: Call) => {
      checkQuery(call, request, current, WEAVIATE_CAPABILITIES.maxTopK);
      const vector = await queryVector(call, request, (ids, wanted) => fetchRecords(session, current, ids, wanted));
      return queryRecords({ session, collection: current, vector, request });
    };
    return this.#access.on('query', collection, options, work, request.filter);
  }

  hybridQuery(collection: string, request: HybridRequest, options?: CallOptions): Promise<readonly HybridHit[]> {
    const work = async (session: WeaviateSession, current: WeaviateCollection, call: Call) => {
      checkHybrid(call, request, current, WEAVIATE_CAPABILITIES.maxTopK);
      return hybridRecords(session, current, request);
    };
    return this.#access.on('hybridQuery', collection, options, work, request.filter);
  }

  count(collection: string, filter?: Filter, options?: CallOptions): Promise<number> {
    const work = (session: WeaviateSession, current: WeaviateCollection) => countMatching(session, current, filter);
    return this.#access.on('count', collection, options, work, filter);
  }

  deleteByIds(collection: string, ids: readonly string[], options?: CallOptions): Promise<DeleteResult> {
    return this.#access.on('deleteByIds', collection, options, async (session, current, call) => {
      checkIds(call, ids);
      return { deleted: await deleteRecords(session, current, ids) };
    });
  }

  deleteByFilter(collection: string, filter: Filter, options?: CallOptions): Promise<{ deleted: number }> {
    return this.#access.onCurrent('deleteByFilter', collection, options, async (session, current) => ({
      deleted: await deleteMatching(session, current, filter),
    }));
  }

  updateMetadata(collection: string, id: string, patch: Metadata, options?: CallOptions): Promise<void> {
    return this.#access.onCurrent('updateMetadata', collection, options, async (session, current, call) => {
      checkIds(call, [id]);
      refuse(call, metadataProblem(patch));
      requireOurs(current, call);
      const record = (await fetchRecords(session, current, [id], { vector: true })).get(id);
      if (!record?.vector) throw noSuchRecord(call);
      const metadata = { ...record.metadata, ...patch };
      refuse(call, metadataProblem(metadata));
      const changed = { ...record, vector: record.vector, metadata };
      const { failed } = await upsertRecords(session, current, [changed], this.#doubts);
      if (failed[0]) throw new ConnectorError('internal', call, failed[0].message);
    });
  }

  scan(collection: string, request: ScanRequest, options?: CallOptions): Promise<ScanPage> {
    const work = async (session: WeaviateSession, current: WeaviateCollection, call: Call) => {
      checkScan(call, request);
      const position = pagePosition(call, request.cursor, current.uid, isWeaviatePosition) ?? '';
      const { records, next } = await scanRecords(session, current, request, position);
      return { records, nextCursor: next === undefined ? null : encodeCursor('weaviate', current.uid, next) };
    };
    return this.#access.on('scan', collection, options, work, request.filter);
  }

  close(): Promise<void> {
    return this.#access.close();
  }
}

/** Another program's class has no properties to keep an id, a metadata object or a document in. */
function requireOurs({ createdByUs }: WeaviateCollection, call: Call): void {
  if (!createdByUs) {
    throw new ConnectorError('unsupported', call, 'Another program made this class: it can be read, and deleted from.');
  }
}
