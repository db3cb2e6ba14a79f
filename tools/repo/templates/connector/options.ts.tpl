import { type Capabilities, commonOptions } from '@morag/connectors-core';
import { z } from 'zod';

/** What a registration's `config` may say. Every option has a description and, unless it may be absent, a default. */
export const __vendor__Options = z.strictObject({
  ...commonOptions,
});

export type __Vendor__Options = z.infer<typeof __vendor__Options>;

/** Say what the server was seen to do, and from which version on. The suite leaves out what is ruled out here. */
export const __VENDOR___CAPABILITIES: Capabilities = {
  metrics: ['cosine'],
  maxDimension: 4_096,
  maxIndexedDimension: 4_096,
  maxBatchRecords: 500,
  maxBatchBytes: 8 * 1024 * 1024,
  maxTopK: 10_000,
  nativeFilters: { exists: false, not: false, stringRange: false },
  atomicReplace: false,
  cosineVectors: 'direction',
  readAfterWrite: true,
  deleteCounts: false,
  scanOrder: 'offset',
  authentication: true,
  exactSearch: false,
  hybrid: 'none',
  namespaces: false,
  uncleanStopWindowMs: 0,
  repairByReplacing: false,
};
