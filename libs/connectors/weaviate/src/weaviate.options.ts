import { type Capabilities, commonOptions } from '@morag/connectors-core';
import { z } from 'zod';

export const weaviateOptions = z.strictObject({
  ...commonOptions,
  grpcPort: z.int().min(1).max(65_535).default(50_051).describe('Port of the gRPC API, which searches and writes use.'),
  grpcHost: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('Host of the gRPC API where it is another one, as in Weaviate Cloud; the host of the server by default.'),
  prefix: z
    .string()
    .regex(/^(?:\/[\w.~-]+)*$/, 'must be a path like /weaviate, without a slash at its end')
    .max(255)
    .default('')
    .describe('Path in front of /v1 of the REST API, where a proxy adds one.'),
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, underscores or hyphens')
    .optional()
    .describe('Tenant whose records the collections hold; without one they are not multi-tenant.'),
  consistency: z
    .enum(['ONE', 'QUORUM', 'ALL'])
    .default('QUORUM')
    .describe('Replicas that have to confirm a write, and to agree on a read, in a cluster.'),
  replicas: z.int().min(1).max(32).optional().describe('Copies of collections that are created; the server decides.'),
  hnsw: z
    .strictObject({
      maxConnections: z.int().min(4).max(2047).default(32).describe('Edges of a node in the index.'),
      efConstruction: z.int().min(4).max(4096).default(128).describe('Candidates while building.'),
      ef: z
        .int()
        .min(-1)
        .max(4096)
        .default(-1)
        .describe('Candidates while searching; -1 lets the server choose by the number of hits wanted.'),
    })
    .prefault({})
    .describe('Index settings of collections that are created; existing ones keep theirs.'),
  quantisation: z
    .enum(['none', 'binary', 'scalar', 'rotational'])
    .default('none')
    .describe('Compresses the vectors of collections that are created: less memory, approximate distances.'),
  words: z
    .enum(['word', 'trigram', 'gse', 'kagome_ja', 'kagome_kr'])
    .default('word')
    .describe(
      'How documents are cut into words for hybrid queries; those of other languages have to be enabled there.',
    ),
});

export type WeaviateOptions = z.infer<typeof weaviateOptions>;

/** Of a server from 1.29 on that is not told to index asynchronously. */
export const WEAVIATE_CAPABILITIES: Capabilities = {
  metrics: ['cosine', 'dot', 'euclidean'],
  maxDimension: 65_535,
  maxIndexedDimension: 65_535,
  maxBatchRecords: 500,
  maxBatchBytes: 8 * 1024 * 1024,
  // The server's QUERY_MAXIMUM_RESULTS is 10,000; a query by id asks for one more.
  maxTopK: 9_999,
  nativeFilters: { exists: true, not: true, stringRange: false },
  atomicReplace: true,
  cosineVectors: 'exact',
  readAfterWrite: true,
  deleteCounts: true,
  scanOrder: 'stable',
  authentication: true,
  exactSearch: false,
  hybrid: 'native',
  namespaces: true,
  // Confirmed writes are handed to the operating system (see `writeBatch`): ten kills took none of 1,170 back, but a
  // machine that stops may. Left to itself the server took between 1 s and 5 s.
  uncleanStopWindowMs: 10_000,
  repairByReplacing: true,
};
