import {
  alreadyExists,
  type Call,
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
  type FetchRecords,
  type FetchResult,
  type Filter,
  fetchByIds,
  fusedQuery,
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
  type Vector,
  type VectorConnector,
  type VectorRecord,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { PgvectorAccess, READ, WRITE } from './pgvector.access.ts';
import { PGVECTOR_CAPABILITIES, type PgvectorOptions } from './pgvector.options.ts';
import { EXACT_SETTINGS, queryRows, queryRowsByWords, searchSettings } from './pgvector.query.ts';
import {
  countRows,
  deleteMatching,
  deleteRows,
  fetchRows,
  patchRow,
  scanRows,
  toBatches,
  upsertRows,
} from './pgvector.records.ts';
import { checkServer, databaseStats, tableSizeBytes } from './pgvector.server.ts';
import type { Settings } from './pgvector.statement.ts';
import { createTable, dropTable, listTables, type PgvectorTable } from './pgvector.tables.ts';

const LIST_LIMIT = 100;
const LIMITS = { recordsMax: PGVECTOR_CAPABILITIES.maxBatchRecords, bytesMax: PGVECTOR_CAPABILITIES.maxBatchBytes };

/** PostgreSQL with pgvector 0.8 or later: a collection is a table. Nothing is sent before the first call. */
export class PgvectorConnector implements VectorConnector {
  readonly vendor = 'pgvector';
  readonly #options: PgvectorOptions;
  readonly #access: PgvectorAccess;

  constructor(settings: ServerSettings, options: PgvectorOptions, egress: Egress) {
    this.#options = options;
    this.#access = new PgvectorAccess(settings, options, egress);
  }

  capabilities(): Capabilities {
    return PGVECTOR_CAPABILITIES;
  }

  ping(options?: CallOptions): Promise<Ping> {
    return this.#access.run('ping', options, async (call) => {
      const before = performance.now();
      await this.#access.within(call, READ, (session) => checkServer(session, call));
      return { latencyMs: performance.now() - before, authenticated: true };
    });
  }

  info(options?: CallOptions): Promise<ServerInfo> {
    return this.#access.run('info', options, (call) =>
      this.#access.within(call, READ, (session) => checkServer(session, call)),
    );
  }

  serverStats(options?: CallOptions): Promise<ServerStats> {
    return this.#access.run('serverStats', options, (call) =>
      this.#access.within(call, READ, (session) => databaseStats(session, this.#options.schema)),
    );
  }

  listCollections(page: { cursor?: string; limit?: number } = {}, options?: CallOptions): Promise<CollectionPage> {
    return this.#access.run('listCollections', options, async (call) => {
      const { cursor, limit = LIST_LIMIT } = page;
      const after = pagePosition(call, cursor, '', isText) ?? '';
      const tables = await this.#access.within(call, READ, (session) =>
        listTables(session, this.#options.schema, after, limit),
      );
      const last = tables.length < limit ? undefined : tables.at(-1);
      return {
        collections: tables.map(toCollectionInfo),
        nextCursor: last ? encodeCursor('pgvector', '', last.nativeName) : null,
      };
    });
  }

  describeCollection(name: string, options?: CallOptions): Promise<CollectionInfo> {
    return this.#access.run('describeCollection', options, async (call) =>
      toCollectionInfo(await this.#access.find(call, name)),
    );
  }

  collectionExists(name: string, options?: CallOptions): Promise<boolean> {
    return this.#access.exists(name, options);
  }

  stats(collection: string, options?: CallOptions): Promise<CollectionStats> {
    return this.#access.on('stats', collection, options, (table, call) =>
      this.#access.within(call, READ, async (session) => ({
        records: await countRows(session, table),
        sizeBytes: await tableSizeBytes(session, table.oid),
      })),
    );
  }

  createCollection(spec: CollectionSpec, options?: CallOptions): Promise<CollectionInfo> {
    return this.#access.run('createCollection', options, async (call) => {
      checkCollectionSpec(call, spec, PGVECTOR_CAPABILITIES);
      try {
        await this.#access.transaction(call, (session) => createTable(session, spec, this.#options));
        return toCollectionInfo(await this.#access.find(call, spec.name));
      } catch (error) {
        if (!hasCategory(error, 'already_exists')) throw error;
        if (!spec.ifNotExists) throw alreadyExists(call);
      }
      const present = await this.#access.find(call, spec.name);
      checkPresent(call, present, spec);
      return toCollectionInfo(present);
    });
  }

  deleteCollection(name: string, request: { ifExists?: boolean } = {}, options?: CallOptions): Promise<void> {
    return this.#access.run('deleteCollection', options, async (call) => {
      try {
        const table = await this.#access.find(call, name);
        this.#access.forget(name);
        await this.#access.within(call, WRITE, (session) => dropTable(session, table));
      } catch (error) {
        if (!request.ifExists || !isNotFound(error)) throw error;
      }
    });
  }

  upsert(collection: string, records: readonly VectorRecord[], options?: CallOptions): Promise<UpsertResult> {
    return this.#access.on('upsert', collection, options, async (table, call) => {
      checkRecords(call, records, table);
      for (const rows of toBatches(records, LIMITS)) {
        await this.#access.within(call, WRITE, (session) => upsertRows(session, table, rows));
      }
      return { accepted: records.length, failed: [] };
    });
  }

  fetch(
    collection: string,
    ids: readonly string[],
    include: Include = {},
    options?: CallOptions,
  ): Promise<FetchResult> {
    return this.#access.on('fetch', collection, options, (table, call) =>
      fetchByIds(call, ids, include, this.#fetching(table, call)),
    );
  }

  query(collection: string, request: QueryRequest, options?: CallOptions): Promise<readonly Hit[]> {
    return this.#access.on('query', collection, options, async (table, call) => {
      checkQuery(call, request, table, PGVECTOR_CAPABILITIES.maxTopK);
      const vector = await queryVector(call, request, this.#fetching(table, call));
      return this.#nearest(table, call, { ...request, vector });
    });
  }

  hybridQuery(collection: string, request: HybridRequest, options?: CallOptions): Promise<readonly HybridHit[]> {
    return this.#access.on('hybridQuery', collection, options, (table, call) => {
      const { maxTopK: topKMax } = PGVECTOR_CAPABILITIES;
      checkHybrid(call, request, table, topKMax);
      const { vector, filter, include } = request;
      return fusedQuery(
        request,
        { topKMax },
        {
          byVector: (topK) => this.#nearest(table, call, { vector, topK, filter, include }),
          byWords: (depth) =>
            this.#access.within(call, READ, (session) => queryRowsByWords(session, table, request, depth)),
        },
      );
    });
  }

  count(collection: string, filter?: Filter, options?: CallOptions): Promise<number> {
    return this.#access.on('count', collection, options, (table, call) =>
      this.#access.within(call, READ, (session) => countRows(session, table, filter)),
    );
  }

  deleteByIds(collection: string, ids: readonly string[], options?: CallOptions): Promise<DeleteResult> {
    return this.#access.on('deleteByIds', collection, options, async (table, call) => {
      checkIds(call, ids);
      return { deleted: await this.#access.within(call, WRITE, (session) => deleteRows(session, table, ids)) };
    });
  }

  deleteByFilter(collection: string, filter: Filter, options?: CallOptions): Promise<{ deleted: number }> {
    return this.#access.on('deleteByFilter', collection, options, async (table, call) => ({
      deleted: await this.#access.within(call, WRITE, (session) => deleteMatching(session, table, filter)),
    }));
  }

  updateMetadata(collection: string, id: string, patch: Metadata, options?: CallOptions): Promise<void> {
    return this.#access.on('updateMetadata', collection, options, async (table, call) => {
      checkIds(call, [id]);
      refuse(call, metadataProblem(patch));
      if (!(await this.#access.within(call, WRITE, (session) => patchRow(session, table, id, patch)))) {
        throw noSuchRecord(call);
      }
    });
  }

  scan(collection: string, request: ScanRequest, options?: CallOptions): Promise<ScanPage> {
    return this.#access.on('scan', collection, options, async (table, call) => {
      checkScan(call, request);
      const { cursor, filter, pageSize: limit, include = {} } = request;
      const after = pagePosition(call, cursor, collection, isText) ?? '';
      const records = await this.#access.within(call, READ, (session) =>
        scanRows(session, table, { after, limit, filter, include }),
      );
      const last = records.length < limit ? undefined : records.at(-1);
      return { records, nextCursor: last ? encodeCursor('pgvector', collection, last.id) : null };
    });
  }

  close(): Promise<void> {
    return this.#access.close();
  }

  async #nearest(
    table: PgvectorTable,
    call: Call,
    request: QueryRequest & { readonly vector: Vector },
  ): Promise<readonly Hit[]> {
    const { topK, filter, exact } = request;
    const search = (settings: Settings) =>
      this.#access.within(call, { ...READ, ...settings }, (session) => queryRows(session, table, request));
    if (exact) return search(EXACT_SETTINGS);
    const hits = await search(searchSettings(topK, this.#options));
    // The index stops after a bounded number of tuples: too few may be all that match, or all that it came to.
    const mayBeShort = filter !== undefined && request.minScore === undefined && hits.length < topK;
    return mayBeShort ? search(EXACT_SETTINGS) : hits;
  }

  #fetching(table: PgvectorTable, call: Call): FetchRecords {
    return (ids, include) => this.#access.within(call, READ, (session) => fetchRows(session, table, ids, include));
  }
}
