import {
  alreadyExists,
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
  type Include,
  isNotFound,
  isOffset,
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
import { ChromaAccess } from './chroma.access.ts';
import { countCollections, createCollection, deleteCollection, listCollections } from './chroma.collections.ts';
import { hybridRecords } from './chroma.hybrid.ts';
import { CHROMA_CAPABILITIES, type ChromaOptions } from './chroma.options.ts';
import { queryRecords } from './chroma.query.ts';
import { deleteRecords, fetchRecords, matchingIds, upsertRecords } from './chroma.records.ts';
import { isChromaPosition, scanRecords } from './chroma.scan.ts';
import { pingServer, serverVersion } from './chroma.server.ts';

const LIST_LIMIT = 100;

/** Chroma, from 1.0.0 on, over its own SDK. Nothing is sent before the first call. */
export class ChromaConnector implements VectorConnector {
  readonly vendor = 'chroma';
  readonly #settings: ServerSettings;
  readonly #options: ChromaOptions;
  readonly #access: ChromaAccess;

  constructor(settings: ServerSettings, options: ChromaOptions, egress: Egress) {
    this.#settings = settings;
    this.#options = options;
    this.#access = new ChromaAccess(settings, options, egress);
  }

  capabilities(): Capabilities {
    return CHROMA_CAPABILITIES;
  }

  ping(options?: CallOptions): Promise<Ping> {
    return this.#access.run('ping', options, async (session, call) => {
      const before = performance.now();
      await pingServer(session, call, this.#settings, this.#options);
      return { latencyMs: performance.now() - before, authenticated: false };
    });
  }

  info(options?: CallOptions): Promise<ServerInfo> {
    return this.#access.run('info', options, async (session, call) => ({
      vendor: 'chroma',
      version: await serverVersion(session, call),
      warnings: [],
    }));
  }

  serverStats(options?: CallOptions): Promise<ServerStats> {
    return this.#access.run('serverStats', options, async (session, call) => ({
      collections: await countCollections(session, call),
    }));
  }

  listCollections(page: { cursor?: string; limit?: number } = {}, options?: CallOptions): Promise<CollectionPage> {
    return this.#access.run('listCollections', options, async (session, call) => {
      const { cursor, limit = LIST_LIMIT } = page;
      const offset = pagePosition(call, cursor, '', isOffset) ?? 0;
      const found = await listCollections(session, call, offset, limit);
      const nextCursor = found.length < limit ? null : encodeCursor('chroma', '', offset + found.length);
      return { collections: found.map(toCollectionInfo), nextCursor };
    });
  }

  describeCollection(name: string, options?: CallOptions): Promise<CollectionInfo> {
    return this.#access.run('describeCollection', options, async (_, call) =>
      toCollectionInfo(await this.#access.find(call, name)),
    );
  }

  collectionExists(name: string, options?: CallOptions): Promise<boolean> {
    return this.#access.exists(name, options);
  }

  stats(collection: string, options?: CallOptions): Promise<CollectionStats> {
    return this.#access.on('stats', collection, options, async (session, { uuid }) => ({
      records: await session.collection(uuid).count(),
    }));
  }

  createCollection(spec: CollectionSpec, options?: CallOptions): Promise<CollectionInfo> {
    return this.#access.run('createCollection', options, async (_, call) => {
      checkCollectionSpec(call, spec, CHROMA_CAPABILITIES);
      const { hnsw } = this.#options;
      try {
        return toCollectionInfo(
          await this.#access.within(call, (session) => createCollection(session, call, spec, hnsw)),
        );
      } catch (error) {
        if (!(error instanceof ConnectorError) || error.httpStatus !== 409) throw error;
        if (!spec.ifNotExists) throw alreadyExists(call);
      }
      const present = await this.#access.find(call, spec.name);
      checkPresent(call, present, spec);
      return toCollectionInfo(present);
    });
  }

  deleteCollection(name: string, request: { ifExists?: boolean } = {}, options?: CallOptions): Promise<void> {
    return this.#access.run('deleteCollection', options, async (_, call) => {
      try {
        const { nativeName } = await this.#access.find(call, name);
        this.#access.forget(name);
        await this.#access.within(call, (session) => deleteCollection(session, nativeName));
      } catch (error) {
        if (!request.ifExists || !isNotFound(error)) throw error;
      }
    });
  }

  upsert(collection: string, records: readonly VectorRecord[], options?: CallOptions): Promise<UpsertResult> {
    return this.#access.on('upsert', collection, options, async (session, info, call) => {
      checkRecords(call, records, info);
      await upsertRecords(session, info.uuid, records);
      return { accepted: records.length, failed: [] };
    });
  }

  fetch(
    collection: string,
    ids: readonly string[],
    include: Include = {},
    options?: CallOptions,
  ): Promise<FetchResult> {
    return this.#access.on('fetch', collection, options, (session, { uuid }, call) =>
      fetchByIds(call, ids, include, (unique, wanted) => fetchRecords(session.collection(uuid), unique, wanted)),
    );
  }

  query(collection: string, request: QueryRequest, options?: CallOptions): Promise<readonly Hit[]> {
    return this.#access.on('query', collection, options, async (session, info, call) => {
      checkQuery(call, request, info, CHROMA_CAPABILITIES.maxTopK);
      const vector = await queryVector(call, request, (ids, wanted) =>
        fetchRecords(session.collection(info.uuid), ids, wanted),
      );
      return queryRecords({ session, call, info, vector, request });
    });
  }

  hybridQuery(collection: string, request: HybridRequest, options?: CallOptions): Promise<readonly HybridHit[]> {
    return this.#access.on('hybridQuery', collection, options, async (session, info, call) => {
      checkHybrid(call, request, info, CHROMA_CAPABILITIES.maxTopK);
      return hybridRecords({ session, call, info }, request);
    });
  }

  count(collection: string, filter?: Filter, options?: CallOptions): Promise<number> {
    return this.#access.on('count', collection, options, async (session, { uuid }) => {
      const handle = session.collection(uuid);
      return filter ? (await matchingIds(handle, filter)).length : handle.count();
    });
  }

  deleteByIds(collection: string, ids: readonly string[], options?: CallOptions): Promise<DeleteResult> {
    return this.#access.on('deleteByIds', collection, options, async (session, { uuid }, call) => {
      checkIds(call, ids);
      await deleteRecords(session.collection(uuid), ids);
      return {};
    });
  }

  deleteByFilter(collection: string, filter: Filter, options?: CallOptions): Promise<{ deleted: number }> {
    return this.#access.on('deleteByFilter', collection, options, async (session, { uuid }) => {
      const handle = session.collection(uuid);
      const ids = await matchingIds(handle, filter);
      await deleteRecords(handle, ids);
      return { deleted: ids.length };
    });
  }

  updateMetadata(collection: string, id: string, patch: Metadata, options?: CallOptions): Promise<void> {
    return this.#access.on('updateMetadata', collection, options, async (session, { uuid }, call) => {
      const handle = session.collection(uuid);
      checkIds(call, [id]);
      refuse(call, metadataProblem(patch));
      const record = (await fetchRecords(handle, [id], { vector: true })).get(id);
      if (!record?.vector) throw noSuchRecord(call);
      const metadata = { ...record.metadata, ...patch };
      refuse(call, metadataProblem(metadata));
      await upsertRecords(session, uuid, [{ ...record, vector: record.vector, metadata }]);
    });
  }

  scan(collection: string, request: ScanRequest, options?: CallOptions): Promise<ScanPage> {
    return this.#access.on('scan', collection, options, async (session, { uuid }, call) => {
      checkScan(call, request);
      const position = pagePosition(call, request.cursor, uuid, isChromaPosition);
      const { records, next } = await scanRecords(session.collection(uuid), request, position);
      return { records, nextCursor: next && encodeCursor('chroma', uuid, next) };
    });
  }

  close(): Promise<void> {
    return this.#access.close();
  }
}
