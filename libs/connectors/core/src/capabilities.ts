import type { Metric } from './connector.port.ts';

/** What a vendor's connector can do, and what it cannot. Known without asking the server. */
export interface Capabilities {
  readonly metrics: readonly Metric[];
  readonly maxDimension: number;
  /** Larger vectors are stored and searched without an index. */
  readonly maxIndexedDimension: number;
  /** Per vendor call; larger batches are split. */
  readonly maxBatchRecords: number;
  readonly maxBatchBytes: number;
  readonly maxTopK: number;
  /** Filters evaluated by the vendor alone; every other one is completed in the connector, and costs more. */
  readonly nativeFilters: {
    readonly exists: boolean;
    readonly not: boolean;
    readonly stringRange: boolean;
  };
  /** An upsert replaces a record in one step; otherwise a reader may for a moment miss it. */
  readonly atomicReplace: boolean;
  /**
   * What a read gives back of a vector under the cosine metric, since servers normalise it: every bit, all but the last
   * two bits of a float32, or the direction alone. Under other metrics every bit.
   */
  readonly cosineVectors: 'exact' | 'rounded' | 'direction';
  /** A write is seen by the next read. */
  readonly readAfterWrite: boolean;
  readonly deleteCounts: boolean;
  /** `stable`: records written or deleted during a scan never make it skip or repeat another record. */
  readonly scanOrder: 'stable' | 'offset';
  /** The server checks credentials at all. */
  readonly authentication: boolean;
  /** The server can be asked to compare with every vector. */
  readonly exactSearch: boolean;
  /**
   * Who mixes the two orders of a hybrid query: the vendor, or `fuse` out of a query by vector and one by words. `none`:
   * the vendor cannot find documents by words at all.
   */
  readonly hybrid: 'native' | 'fused' | 'none';
  /** `config` can name a namespace (a tenant, a schema); what one holds is out of sight of the others. */
  readonly namespaces: boolean;
  /**
   * What was confirmed this long before a crash may be lost, or be stored where search does not find it: it has to be
   * written again. Zero where no crash has been seen to take back what was confirmed.
   */
  readonly uncleanStopWindowMs: number;
  /** What is written again after a crash has to be deleted first: writing over it repairs nothing. */
  readonly repairByReplacing: boolean;
}
