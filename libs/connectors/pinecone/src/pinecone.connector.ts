import {
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
  decodeCursor,
  encodeCursor,
  type FetchResult,
  type Filter,
  fetchByIds,
  type Hit,
  type HybridHit,
  type HybridRequest,
  hasCategory,
  type Include,
  isOffset,
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
import { PineconeAccess, type PineconeCall } from './pinecone.access.ts';
import { countRecords, matchingIds, namespaceSize } from './pinecone.count.ts';
import { hasStatus } from './pinecone.errors.ts';
import { afterWriting, untilSeen } from './pinecone.freshness.ts';
import { hybridRecords } from './pinecone.hybrid.ts';
import { nativeId } from './pinecone.ids.ts';
import {
  createIndex,
  deleteIndex,
  listIndexes,
  newCreation,
  type PineconeIndex,
  untilReady,
} from './pinecone.indexes.ts';
import { PINECONE_CAPABILITIES, type PineconeOptions } from './pinecone.options.ts';
import { queryRecords } from './pinecone.query.ts';
import { deleteNative, fetchRecords, upsertRecords } from './pinecone.records.ts';
import { isPineconePosition, scanRecords, sourceOf } from './pinecone.scan.ts';

const LIST_LIMIT = 100;
/** What the SDK sends with each request; the service has no version of its own to show. */
const API_VERSION = '2026-07';

/** Pinecone over its own SDK: an index is a collection, and the registration names the namespace. */
export class PineconeConnector implements VectorConnector {
  readonly vendor = 'pinecone';
  readonly #options: PineconeOptions;
  readonly #access: PineconeAccess;

  constructor(settings: ServerSettings, options: PineconeOptions, egress: Egress) {
    this.#options = options;
    this.#access = new PineconeAccess(settings, options, egress);
  }

  capabilities(): Capabilities {
    return PINECONE_CAPABILITIES;
  }

  ping(options?: CallOptions): Promise<Ping> {
    return this.#access.run('ping', options, async (session, call) => {
      const before = performance.now();
      try {
        await listIndexes(session, call);
      } catch (error) {
        // A project always has this list, be it empty.
        if (!hasStatus(error, 404) && !hasStatus(error, 405)) throw error;
        throw new ConnectorError('protocol', call, 'What answers there is not Pinecone.', { cause: error });
      }
      return { latencyMs: performance.now() - before, authenticated: true };
    });
  }

  info(options?: CallOptions): Promise<ServerInfo> {
    return this.#access.run('info', options, async (session, call) => {
      await listIndexes(session, call);
      return { vendor: 'pinecone', version: API_VERSION, warnings: [] };
    });
  }

  serverStats(options?: CallOptions): Promise<ServerStats> {
    return this.#access.run('serverStats', options, async (session, call) => ({
      collections: (await listIndexes(session, call)).length,
    }));
  }

  listCollections(page: { cursor?: string; limit?: number } = {}, options?: CallOptions): Promise<CollectionPage> {
    return this.#access.run('listCollections', options, async (session, call) => {
      const { cursor, limit = LIST_LIMIT } = page;
      const last = pagePosition(call, cursor, '', isText) ?? '';
      const rest = (await listIndexes(session, call)).filter(({ nativeName }) => nativeName > last);
      const collections = rest.slice(0, limit);
      const end = collections.at(-1);
      const more = end && rest.length > limit;
      return {
        collections: collections.map(toCollectionInfo),
        nextCursor: more ? encodeCursor('pinecone', '', end.nativeName) : null,
      };
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
    const { namespace } = this.#options;
    return this.#access.on('stats', collection, options, async (on) => ({
      records: await countRecords(on, namespace),
      sizeBytes: await namespaceSize(on, namespace),
    }));
  }

  createCollection(spec: CollectionSpec, options?: CallOptions): Promise<CollectionInfo> {
    const creation = newCreation();
    return this.#access.run('createCollection', options, async (session, call) => {
      checkCollectionSpec(call, spec, PINECONE_CAPABILITIES);
      try {
        return toCollectionInfo(await createIndex(session, call, spec, this.#options, creation));
      } catch (error) {
        const taken = hasCategory(error, 'already_exists');
        if (!taken || !spec.ifNotExists) throw error;
      }
      const present = await untilReady(session, call, spec.name);
      checkPresent(call, present, spec);
      return toCollectionInfo(present);
    });
  }

  deleteCollection(name: string, request: { ifExists?: boolean } = {}, options?: CallOptions): Promise<void> {
    return this.#access.run('deleteCollection', options, async (session, call) => {
      this.#access.forget(name);
      try {
        await deleteIndex(session, call, name);
      } catch (error) {
        if (!request.ifExists || !hasStatus(error, 404)) throw error;
      }
    });
  }

  upsert(collection: string, records: readonly VectorRecord[], options?: CallOptions): Promise<UpsertResult> {
    return this.#access.on('upsert', collection, options, async (on) => {
      checkRecords(on.call, records, on.index);
      await upsertRecords(on, records);
      await this.#written(on);
      const { written } = on.session;
      const writeToken = written === undefined ? undefined : encodeCursor('pinecone', this.#scopeOf(on.index), written);
      return { accepted: records.length, failed: [], writeToken };
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
      checkQuery(on.call, request, on.index, PINECONE_CAPABILITIES.maxTopK);
      await this.#seen(on, request.afterWrite);
      const vector = await queryVector(on.call, request, (ids, wanted) => fetchRecords(on, ids, wanted));
      return queryRecords(on, vector, request);
    });
  }

  hybridQuery(collection: string, request: HybridRequest, options?: CallOptions): Promise<readonly HybridHit[]> {
    return this.#access.on('hybridQuery', collection, options, async (on) => {
      checkHybrid(on.call, request, on.index, PINECONE_CAPABILITIES.maxTopK);
      await this.#seen(on, request.afterWrite);
      return hybridRecords(on, request);
    });
  }

  count(collection: string, filter?: Filter, options?: CallOptions): Promise<number> {
    return this.#access.on('count', collection, options, async (on) =>
      filter ? (await matchingIds(on, filter)).length : countRecords(on, this.#options.namespace),
    );
  }

  deleteByIds(collection: string, ids: readonly string[], options?: CallOptions): Promise<DeleteResult> {
    return this.#access.on('deleteByIds', collection, options, async (on) => {
      checkIds(on.call, ids);
      await deleteNative(on, [...new Set(ids)].map(nativeId));
      await this.#written(on);
      return {};
    });
  }

  deleteByFilter(collection: string, filter: Filter, options?: CallOptions): Promise<{ deleted: number }> {
    return this.#access.on('deleteByFilter', collection, options, async (on) => {
      const ids = await matchingIds(on, filter);
      await deleteNative(on, ids);
      await this.#written(on);
      return { deleted: ids.length };
    });
  }

  updateMetadata(collection: string, id: string, patch: Metadata, options?: CallOptions): Promise<void> {
    return this.#access.on('updateMetadata', collection, options, async (on) => {
      checkIds(on.call, [id]);
      refuse(on.call, metadataProblem(patch));
      const record = (await fetchRecords(on, [id], { vector: true })).get(id);
      if (!record?.vector) throw noSuchRecord(on.call);
      const metadata = { ...record.metadata, ...patch };
      refuse(on.call, metadataProblem(metadata));
      await upsertRecords(on, [{ ...record, vector: record.vector, metadata }]);
      await this.#written(on);
    });
  }

  scan(collection: string, request: ScanRequest, options?: CallOptions): Promise<ScanPage> {
    return this.#access.on('scan', collection, options, async (on) => {
      checkScan(on.call, request);
      const { cursor, filter } = request;
      const scope = this.#scopeOf(on.index);
      const position = cursor === undefined ? undefined : decodeCursor(cursor, 'pinecone', scope, isPineconePosition);
      if (cursor !== undefined && position?.[0] !== sourceOf(filter)) {
        throw new ConnectorError('invalid_argument', on.call, 'The cursor is not of this scan.');
      }
      const { records, next } = await scanRecords(on, request, position);
      return { records, nextCursor: next && encodeCursor('pinecone', scope, next) };
    });
  }

  close(): Promise<void> {
    return this.#access.close();
  }

  async #written({ session, call, index }: PineconeCall): Promise<void> {
    if (this.#options.consistency === 'read_your_writes') await afterWriting(session, call, index);
  }

  async #seen({ session, call, index }: PineconeCall, writeToken: string | undefined): Promise<void> {
    if (writeToken === undefined) return;
    const written = decodeCursor(writeToken, 'pinecone', this.#scopeOf(index), isOffset);
    if (written === undefined)
      throw new ConnectorError('invalid_argument', call, 'afterWrite is of another collection.');
    await untilSeen(session, call, index, written);
  }

  /** What sequence numbers and the server's tokens are of. */
  #scopeOf({ identity }: PineconeIndex): string {
    return `${identity} ${this.#options.namespace}`;
  }
}
