import { z } from 'zod';
import { Refusal } from './refusal.ts';

export const UPSERT_MAX = 1_000;
export const TOP_K_MAX = 10_000;
const IDS_MAX = 1_000;
const DIMENSION_MAX = 20_000;

const indexName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,43}[a-z0-9])?$/, 'Name must consist of lower case alphanumeric characters or "-"');
const tags = z
  .record(z.string().regex(/^[A-Za-z0-9_-]{1,80}$/), z.string().regex(/^[\x20-\x7e]{0,120}$/))
  .refine((map) => Object.keys(map).length <= 20, 'at most 20 tags');

/** `POST /indexes`, for what the vectors API serves. */
export const createIndexRequest = z.strictObject({
  name: indexName,
  schema: z.strictObject({
    fields: z.strictObject({
      _values: z.strictObject({
        type: z.literal('dense_vector'),
        dimension: z.int().min(1).max(DIMENSION_MAX),
        metric: z.enum(['cosine', 'euclidean', 'dotproduct']),
      }),
    }),
  }),
  deployment: z.strictObject({
    deployment_type: z.literal('managed'),
    cloud: z.enum(['aws', 'gcp', 'azure']),
    region: z.string().min(1),
  }),
  deletion_protection: z.enum(['enabled', 'disabled']).optional(),
  tags: tags.nullish(),
});
export type CreateIndexRequest = z.infer<typeof createIndexRequest>;

const namespace = z
  .string()
  .regex(/^[\x01-\x7f]{0,512}$/, 'must be at most 512 ASCII characters')
  .default('__default__')
  .transform((name) => (name === '' ? '__default__' : name));
const id = z
  .string()
  .min(1)
  .max(512)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what the server calls ASCII
  .regex(/^[\x01-\x7f]*$/, 'ID must be ASCII');
const values = z.array(z.number());
const filter = z.record(z.string(), z.unknown());

export const upsertRequest = z.strictObject({
  vectors: z
    .array(z.strictObject({ id, values, metadata: z.record(z.string(), z.unknown()).optional() }))
    .min(1)
    .max(UPSERT_MAX, `the request holds more than ${UPSERT_MAX} vectors`),
  namespace,
});
export const queryRequest = z.strictObject({
  namespace,
  topK: z.int().min(1).max(TOP_K_MAX),
  filter: filter.optional(),
  includeValues: z.boolean().default(false),
  includeMetadata: z.boolean().default(false),
  vector: values.optional(),
  id: id.optional(),
});
export const fetchByMetadataRequest = z.strictObject({
  namespace,
  filter,
  limit: z.int().min(1).default(100),
  paginationToken: z.string().optional(),
});
export const deleteRequest = z.strictObject({
  ids: z.array(id).min(1).max(IDS_MAX).optional(),
  deleteAll: z.boolean().optional(),
  namespace,
  filter: filter.optional(),
});
export const statsRequest = z.strictObject({ filter: filter.optional() });

const one = z.union([id.transform((only) => [only]), z.array(id).max(IDS_MAX)]);
export const fetchRequest = z.strictObject({ ids: one, namespace });
export const listRequest = z.strictObject({
  prefix: z.string().default(''),
  limit: z.coerce.number().int().min(1).max(100).default(100),
  paginationToken: z.string().optional(),
  namespace,
});

/** The request in its form, or the refusal that names the first thing wrong with it. */
export function read<T>(schema: z.ZodType<T>, given: unknown, status = 400): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  throw new Refusal(status, 'INVALID_ARGUMENT', `${path === '' ? '' : `${path}: `}${issue?.message ?? 'invalid'}`);
}
