import {
  type CallOptions,
  type Calls,
  type Capabilities,
  type CollectionInfo,
  type CollectionPage,
  type CollectionSpec,
  type CollectionStats,
  ConnectorError,
  createCalls,
  type DeleteResult,
  type FetchResult,
  type Filter,
  type Hit,
  type HybridHit,
  type HybridRequest,
  type Include,
  type Metadata,
  type Ping,
  type QueryRequest,
  type ScanPage,
  type ScanRequest,
  type ServerInfo,
  type ServerSettings,
  type ServerStats,
  type UpsertResult,
  type VectorConnector,
  type VectorRecord,
} from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { z } from 'zod';
import { __vendor__Error } from './__vendor__.errors.ts';
import { __VENDOR___CAPABILITIES, type __Vendor__Options } from './__vendor__.options.ts';
import { create__Vendor__Wire, type __Vendor__Wire } from './__vendor__.wire.ts';

const versionJson = z.object({ version: z.string() });

/** __Vendor__. Nothing is sent before the first call. */
export class __Vendor__Connector implements VectorConnector {
  readonly vendor = '__vendor__';
  readonly #wire: __Vendor__Wire;
  readonly #calls: Calls;

  constructor(settings: ServerSettings, options: __Vendor__Options, egress: Egress) {
    this.#wire = create__Vendor__Wire(settings, options, egress);
    this.#calls = createCalls({
      vendor: '__vendor__',
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      translate: (error, origin) => __vendor__Error(error, origin, (text) => text),
    });
  }

  capabilities(): Capabilities {
    return __VENDOR___CAPABILITIES;
  }

  ping(options?: CallOptions): Promise<Ping> {
    return this.#calls.run('ping', options, async (call) => {
      const before = performance.now();
      await this.#wire.request(call, 'GET', '/', versionJson);
      return { latencyMs: performance.now() - before, authenticated: false };
    });
  }

  info(options?: CallOptions): Promise<ServerInfo> {
    return this.#calls.run('info', options, async (call) => {
      const { version } = await this.#wire.request(call, 'GET', '/', versionJson);
      return { vendor: '__vendor__', version, warnings: [] };
    });
  }

  serverStats(options?: CallOptions): Promise<ServerStats> {
    return this.#unwritten('serverStats', options);
  }

  listCollections(_page: { cursor?: string; limit?: number } = {}, options?: CallOptions): Promise<CollectionPage> {
    return this.#unwritten('listCollections', options);
  }

  describeCollection(_name: string, options?: CallOptions): Promise<CollectionInfo> {
    return this.#unwritten('describeCollection', options);
  }

  createCollection(_spec: CollectionSpec, options?: CallOptions): Promise<CollectionInfo> {
    return this.#unwritten('createCollection', options);
  }

  deleteCollection(_name: string, _request: { ifExists?: boolean } = {}, options?: CallOptions): Promise<void> {
    return this.#unwritten('deleteCollection', options);
  }

  collectionExists(_name: string, options?: CallOptions): Promise<boolean> {
    return this.#unwritten('collectionExists', options);
  }

  stats(_collection: string, options?: CallOptions): Promise<CollectionStats> {
    return this.#unwritten('stats', options);
  }

  upsert(_collection: string, _records: readonly VectorRecord[], options?: CallOptions): Promise<UpsertResult> {
    return this.#unwritten('upsert', options);
  }

  fetch(_collection: string, _ids: readonly string[], _include?: Include, options?: CallOptions): Promise<FetchResult> {
    return this.#unwritten('fetch', options);
  }

  query(_collection: string, _request: QueryRequest, options?: CallOptions): Promise<readonly Hit[]> {
    return this.#unwritten('query', options);
  }

  hybridQuery(_collection: string, _request: HybridRequest, options?: CallOptions): Promise<readonly HybridHit[]> {
    return this.#unwritten('hybridQuery', options);
  }

  count(_collection: string, _filter?: Filter, options?: CallOptions): Promise<number> {
    return this.#unwritten('count', options);
  }

  deleteByIds(_collection: string, _ids: readonly string[], options?: CallOptions): Promise<DeleteResult> {
    return this.#unwritten('deleteByIds', options);
  }

  deleteByFilter(_collection: string, _filter: Filter, options?: CallOptions): Promise<{ deleted: number }> {
    return this.#unwritten('deleteByFilter', options);
  }

  updateMetadata(_collection: string, _id: string, _patch: Metadata, options?: CallOptions): Promise<void> {
    return this.#unwritten('updateMetadata', options);
  }

  scan(_collection: string, _request: ScanRequest, options?: CallOptions): Promise<ScanPage> {
    return this.#unwritten('scan', options);
  }

  async close(): Promise<void> {
    this.#calls.close();
    await this.#wire.close();
  }

  /** Goes when the last operation is written. */
  #unwritten<T>(operation: string, options: CallOptions | undefined): Promise<T> {
    return this.#calls.run(operation, options, (call) =>
      Promise.reject(new ConnectorError('unsupported', call, `${operation} is not written yet.`)),
    );
  }
}
