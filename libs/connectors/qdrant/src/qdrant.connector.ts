import {
  type CallOptions,
  type Capabilities,
  type CollectionInfo,
  type CollectionPage,
  type CollectionSpec,
  type CollectionStats,
  checkCollectionSpec,
  checkHybrid,
  checkIds,
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
  isText,
  type Metadata,
  metadataProblem,
  type Ping,
  pagePosition,
  type QueryRequest,
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
import { QdrantAccess } from './qdrant.access.ts';
import { listNames } from './qdrant.collections.ts';
import { hybridRecords } from './qdrant.hybrid.ts';
import { createOnce, deleteOnce, listPage } from './qdrant.lifecycle.ts';
import { QDRANT_CAPABILITIES, type QdrantOptions } from './qdrant.options.ts';
import { queryRecords } from './qdrant.query.ts';
import { deleteRecords, fetchRecords, updateMetadata, upsertRecords } from './qdrant.records.ts';
import { countRecords, deleteMatching, scanRecords } from './qdrant.scan.ts';
import { countNodes, serverVersion } from './qdrant.server.ts';

const LIST_LIMIT = 100;

/** Qdrant, from 1.16 on, over its own SDK. Nothing is sent before the first call. */
export class QdrantConnector implements VectorConnector {
  readonly vendor = 'qdrant';
  readonly #settings: ServerSettings;
  readonly #options: QdrantOptions;
  readonly #access: QdrantAccess;

  constructor(settings: ServerSettings, options: QdrantOptions, egress: Egress) {
    this.#settings = settings;
    this.#options = options;
    this.#access = new QdrantAccess(settings, options, egress);
  }

  capabilities(): Capabilities {
    return QDRANT_CAPABILITIES;
  }

  ping(options?: CallOptions): Promise<Ping> {
    return this.#access.run('ping', options, async (wire, call) => {
      const before = performance.now();
      // The paths for probes, and the version, are open to everyone.
      await listNames(wire, call);
      return { latencyMs: performance.now() - before, authenticated: Boolean(this.#settings.apiKey) };
    });
  }

  info(options?: CallOptions): Promise<ServerInfo> {
    return this.#access.run('info', options, async (wire, call) => {
      const { apiKey, tls } = this.#settings;
      const open = apiKey && tls === 'DISABLED' ? ['The API key is sent without TLS.'] : [];
      const [version, nodes] = await Promise.all([serverVersion(wire, call), countNodes(wire, call)]);
      return { vendor: 'qdrant', version, nodes, warnings: open };
    });
  }

  serverStats(options?: CallOptions): Promise<ServerStats> {
    return this.#access.run('serverStats', options, async (wire, call) => ({
      collections: (await listNames(wire, call)).length,
    }));
  }

  listCollections(page: { cursor?: string; limit?: number } = {}, options?: CallOptions): Promise<CollectionPage> {
    return this.#access.run('listCollections', options, async (wire, call) => {
      const { cursor, limit = LIST_LIMIT } = page;
      const after = pagePosition(call, cursor, '', isText) ?? '';
      const { collections, last } = await listPage(wire, call, after, limit);
      const nextCursor = last === undefined ? null : encodeCursor('qdrant', '', last);
      return { collections: collections.map(toCollectionInfo), nextCursor };
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

  createCollection(spec: CollectionSpec, options?: CallOptions): Promise<CollectionInfo> {
    const create = createOnce(spec, this.#options);
    return this.#access.run('createCollection', options, async (wire, call) => {
      checkCollectionSpec(call, spec, QDRANT_CAPABILITIES);
      this.#access.forget(spec.name);
      await create(wire, call);
      return toCollectionInfo(await this.#access.find(call, spec.name));
    });
  }

  deleteCollection(name: string, request: { ifExists?: boolean } = {}, options?: CallOptions): Promise<void> {
    const remove = deleteOnce(name, request.ifExists ?? false);
    return this.#access.run('deleteCollection', options, async (wire, call) => {
      this.#access.forget(name);
      await remove(wire, call);
    });
  }

  stats(collection: string, options?: CallOptions): Promise<CollectionStats> {
    return this.#access.on('stats', collection, options, async (on) => ({
      records: await countRecords(on, undefined),
    }));
  }

  upsert(collection: string, records: readonly VectorRecord[], options?: CallOptions): Promise<UpsertResult> {
    return this.#access.on('upsert', collection, options, async (on) => {
      checkRecords(on.call, records, on.info);
      await upsertRecords(on, records);
      return { accepted: records.length, failed: [] };
    });
  }

  fetch(
    collection: string,
    ids: readonly string[],
    include: Include = {},
    options?: CallOptions,
  ): Promise<FetchResult> {
    return this.#access.on('fetch', collection, options, (on) =>
      fetchByIds(on.call, ids, include, (unique, wanted) => fetchRecords(on, unique, wanted)),
    );
  }

  query(collection: string, request: QueryRequest, options?: CallOptions): Promise<readonly Hit[]> {
    return this.#access.on('query', collection, options, async (on) => {
      checkQuery(on.call, request, on.info, QDRANT_CAPABILITIES.maxTopK);
      return queryRecords(on, request);
    });
  }

  hybridQuery(collection: string, request: HybridRequest, options?: CallOptions): Promise<readonly HybridHit[]> {
    return this.#access.on('hybridQuery', collection, options, async (on) => {
      checkHybrid(on.call, request, on.info, QDRANT_CAPABILITIES.maxTopK);
      return hybridRecords(on, request);
    });
  }

  count(collection: string, filter?: Filter, options?: CallOptions): Promise<number> {
    return this.#access.on('count', collection, options, (on) => countRecords(on, filter));
  }

  deleteByIds(collection: string, ids: readonly string[], options?: CallOptions): Promise<DeleteResult> {
    return this.#access.on('deleteByIds', collection, options, async (on) => {
      checkIds(on.call, ids);
      await deleteRecords(on, ids);
      return {};
    });
  }

  deleteByFilter(collection: string, filter: Filter, options?: CallOptions): Promise<{ deleted: number }> {
    return this.#access.on('deleteByFilter', collection, options, async (on) => ({
      deleted: await deleteMatching(on, filter),
    }));
  }

  updateMetadata(collection: string, id: string, patch: Metadata, options?: CallOptions): Promise<void> {
    return this.#access.on('updateMetadata', collection, options, async (on) => {
      checkIds(on.call, [id]);
      refuse(on.call, metadataProblem(patch));
      await updateMetadata(on, id, patch);
    });
  }

  scan(collection: string, request: ScanRequest, options?: CallOptions): Promise<ScanPage> {
    return this.#access.on('scan', collection, options, async (on) => {
      checkScan(on.call, request);
      const { nativeName } = on.info;
      const from = pagePosition(on.call, request.cursor, nativeName, isText);
      const { records, next } = await scanRecords(on, request, from);
      return { records, nextCursor: next === null ? null : encodeCursor('qdrant', nativeName, next) };
    });
  }

  close(): Promise<void> {
    return this.#access.close();
  }
}
