import { type Capabilities, commonOptions } from '@morag/connectors-core';
import { z } from 'zod';

export const neo4jOptions = z.strictObject({
  ...commonOptions,
  namespace: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[A-Za-z0-9._-]+$/, 'letters, digits, ".", "_" and "-" only')
    .default('default')
    .describe('Keeps the collections of several users of one database apart; Neo4j Community has only one database.'),
  fetchSize: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe('Rows that the server sends at once, before it is asked for more.'),
  index: z
    .strictObject({
      m: z.int().min(1).max(512).default(16).describe('Edges of a node in the index.'),
      efConstruction: z.int().min(1).max(3200).default(100).describe('Candidates while building.'),
      candidates: z
        .int()
        .min(1)
        .max(10_000)
        .default(200)
        .describe('Records that a query asks the index for, at least; the best of them are the answer.'),
      quantization: z
        .boolean()
        .default(false)
        .describe('Let the index round vectors: smaller, but scores are off by up to 0.01.'),
    })
    .prefault({})
    .describe('Index settings; all but `candidates` are of collections that are created.'),
  wordIndex: z
    .boolean()
    .default(false)
    .describe('Index the words of documents in collections that are created: faster hybrid queries, slower writes.'),
});

export type Neo4jOptions = z.infer<typeof neo4jOptions>;

/** Of Neo4j 5.23 or later, any edition. */
export const NEO4J_CAPABILITIES: Capabilities = {
  // There is no index by dot product.
  metrics: ['cosine', 'euclidean'],
  maxDimension: 4_096,
  maxIndexedDimension: 4_096,
  maxBatchRecords: 500,
  maxBatchBytes: 8 * 1024 * 1024,
  maxTopK: 10_000,
  nativeFilters: { exists: true, not: true, stringRange: true },
  atomicReplace: true,
  cosineVectors: 'exact',
  readAfterWrite: true,
  deleteCounts: true,
  scanOrder: 'stable',
  authentication: true,
  exactSearch: true,
  hybrid: 'fused',
  namespaces: true,
  // A commit is on disk before it is confirmed.
  uncleanStopWindowMs: 0,
  repairByReplacing: false,
};
