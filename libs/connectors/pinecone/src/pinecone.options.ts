import { type Capabilities, commonOptions } from '@morag/connectors-core';
import { z } from 'zod';

/** What requests address when they name no namespace. */
export const DEFAULT_NAMESPACE = '__default__';

const HOST_SUFFIX = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/;

export const pineconeOptions = z.strictObject({
  ...commonOptions,
  namespace: z
    .string()
    .regex(/^[\x20-\x7e]{1,512}$/, 'must be 1 to 512 printable ASCII characters')
    .default(DEFAULT_NAMESPACE)
    .describe('Namespace of every index whose records are seen; deleting a collection deletes all of its namespaces.'),
  cloud: z.enum(['aws', 'gcp', 'azure']).default('aws').describe('Cloud of indexes that are created.'),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a region, as in us-east-1')
    .default('us-east-1')
    .describe('Region of indexes that are created; it must be one of the cloud.'),
  deletionProtection: z.boolean().default(false).describe('Guards indexes that are created against deletion.'),
  consistency: z
    .enum(['read_your_writes', 'eventual'])
    .default('read_your_writes')
    .describe('Whether a write returns when queries see it, at most 10 seconds later, or as soon as it is accepted.'),
  indexDomains: z
    .array(z.string().max(253).regex(HOST_SUFFIX, 'must be a domain in lower case, as in pinecone.io'))
    .max(16)
    .default(['pinecone.io'])
    .describe('Domains in which an index may be hosted, beside the registered host itself; the key goes nowhere else.'),
  gateway: z
    .boolean()
    .default(false)
    .describe("Sends requests for records to the registered host too, with the index's own host as their Host header."),
});

export type PineconeOptions = z.infer<typeof pineconeOptions>;

/** Of serverless indexes over the API version that the SDK speaks. */
export const PINECONE_CAPABILITIES: Capabilities = {
  metrics: ['cosine', 'dot', 'euclidean'],
  maxDimension: 20_000,
  maxIndexedDimension: 20_000,
  maxBatchRecords: 1_000,
  // 2 MB, of which a margin is left for the envelope.
  maxBatchBytes: 1_900_000,
  maxTopK: 10_000,
  nativeFilters: { exists: true, not: false, stringRange: false },
  atomicReplace: true,
  cosineVectors: 'exact',
  readAfterWrite: false,
  deleteCounts: false,
  scanOrder: 'stable',
  authentication: true,
  exactSearch: false,
  hybrid: 'fused',
  namespaces: true,
  // A managed service: its crashes are not seen from here.
  uncleanStopWindowMs: 0,
  repairByReplacing: false,
};
