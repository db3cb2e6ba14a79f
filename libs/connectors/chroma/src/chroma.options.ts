import { type Capabilities, commonOptions } from '@morag/connectors-core';
import { z } from 'zod';

/**
 * Chroma's own 100 and 100 miss passages that stand apart from the bulk of a collection: of 4,000 records, 86 of the 100
 * nearest to a question were found, and not the nearest one. With these all are, in the same time.
 */
const HNSW = { efConstruction: 200, efSearch: 400 } as const;

export const chromaOptions = z.strictObject({
  ...commonOptions,
  tenant: z.string().min(3).max(512).default('default_tenant').describe('Tenant that holds the database.'),
  hnsw: z
    .strictObject({
      maxNeighbors: z.int().min(2).max(512).optional().describe('Edges of a node in the index (M); 16 by default.'),
      efConstruction: z.int().min(1).max(4096).default(HNSW.efConstruction).describe('Candidates while building.'),
      efSearch: z.int().min(1).max(4096).default(HNSW.efSearch).describe('Candidates while searching.'),
    })
    .default(HNSW)
    .describe('Index settings of collections that are created; existing ones keep theirs.'),
});

export type ChromaOptions = z.infer<typeof chromaOptions>;

/** Of a server of 1.0.0 or later that runs on one machine; Chroma Cloud has tighter quotas of its own. */
export const CHROMA_CAPABILITIES: Capabilities = {
  metrics: ['cosine', 'dot', 'euclidean'],
  maxDimension: 20_000,
  maxIndexedDimension: 20_000,
  // The server takes 5,461, and answers faster in between when given less.
  maxBatchRecords: 500,
  maxBatchBytes: 8 * 1024 * 1024,
  maxTopK: 10_000,
  nativeFilters: { exists: false, not: false, stringRange: false },
  atomicReplace: false,
  cosineVectors: 'rounded',
  readAfterWrite: true,
  deleteCounts: false,
  scanOrder: 'stable',
  authentication: false,
  exactSearch: false,
  hybrid: 'fused',
  namespaces: true,
  // Nothing was lost in 14 kills.
  uncleanStopWindowMs: 0,
  repairByReplacing: false,
};
