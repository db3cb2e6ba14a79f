import { type Capabilities, commonOptions } from '@morag/connectors-core';
import { z } from 'zod';

const hnsw = z.strictObject({
  m: z.int().min(4).max(512).default(16).describe('Edges of a node in the index.'),
  efConstruction: z.int().min(4).max(4096).default(128).describe('Candidates while building.'),
  efSearch: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('Candidates while searching; as many as while building by default.'),
});

export const qdrantOptions = z.strictObject({
  ...commonOptions,
  prefix: z
    .string()
    .max(1024)
    .regex(/^(?:\/[\w~-][\w.~-]*)*$/, 'must be like /path, without a slash at its end')
    .default('')
    .describe('Path before that of every request, for a server behind a proxy.'),
  readConsistency: z
    .union([z.enum(['majority', 'quorum', 'all']), z.int().min(1).max(64)])
    .optional()
    .describe('Replicas that must agree on what is read: a number, majority, quorum or all; one by default.'),
  writeOrdering: z
    .enum(['weak', 'medium', 'strong'])
    .default('weak')
    .describe(
      'Who puts writes to a replicated collection in order: any replica, the leader at the time, or one leader.',
    ),
  hnsw: hnsw
    .default({ m: 16, efConstruction: 128 })
    .describe('Index settings; the first two of collections that are created.'),
  quantization: z
    .enum(['none', 'scalar', 'binary'])
    .default('none')
    .describe('How vectors of created collections are compressed in memory; found ones are scored by their originals.'),
  shards: z.int().min(1).max(1024).optional().describe('Shards of a created collection; one for each node by default.'),
  replicas: z.int().min(1).max(64).default(1).describe('Copies of each shard of a created collection.'),
  writeConsistency: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Copies that must have taken a write to a created collection.'),
  words: z.boolean().default(true).describe('Index the documents of created collections by words, for hybrid queries.'),
});

export type QdrantOptions = z.infer<typeof qdrantOptions>;

export const QDRANT_CAPABILITIES: Capabilities = {
  metrics: ['cosine', 'dot', 'euclidean'],
  maxDimension: 65_536,
  maxIndexedDimension: 65_536,
  maxBatchRecords: 500,
  // Of the 32 MiB that the server takes by default.
  maxBatchBytes: 8 * 1024 * 1024,
  maxTopK: 10_000,
  nativeFilters: { exists: true, not: true, stringRange: false },
  atomicReplace: true,
  cosineVectors: 'direction',
  readAfterWrite: true,
  deleteCounts: false,
  scanOrder: 'stable',
  authentication: true,
  exactSearch: true,
  hybrid: 'native',
  namespaces: false,
  // Of 90,000 writes that were confirmed before the process was killed, none was lost or stood out of search's sight.
  uncleanStopWindowMs: 0,
  repairByReplacing: false,
};
