import { badBody, badRequest, invalidBody } from './failure.ts';
import { isInteger, isObject, type JsonObject } from './json.ts';
import type { DenseConfig, Distance } from './vectors.ts';

/** What a collection was created with, as its information shows it. */
export interface CollectionConfig {
  readonly params: JsonObject;
  readonly hnsw_config: JsonObject;
  readonly optimizer_config: JsonObject;
  readonly wal_config: JsonObject;
  readonly quantization_config: unknown;
  readonly strict_mode_config?: JsonObject;
  readonly metadata?: JsonObject;
}

const DIMENSION_MAX = 65_536;
const DISTANCES: readonly string[] = ['Cosine', 'Dot', 'Euclid', 'Manhattan'];
const HNSW = { m: 16, ef_construct: 100, full_scan_threshold: 10_000, max_indexing_threads: 0, on_disk: false };
const OPTIMIZERS = {
  deleted_threshold: 0.2,
  vacuum_min_vector_number: 1000,
  default_segment_number: 0,
  max_segment_size: null,
  memmap_threshold: null,
  indexing_threshold: 10_000,
  flush_interval_sec: 5,
  max_optimization_threads: null,
  prevent_unoptimized: null,
};
const WAL = { wal_capacity_mb: 32, wal_segments_ahead: 0, wal_retain_closed: 1 };
const SCHEMAS = ['keyword', 'integer', 'float', 'geo', 'text', 'bool', 'datetime', 'uuid'];
const VECTOR_FIELDS = ['size', 'distance', 'on_disk', 'datatype', 'hnsw_config', 'quantization_config'] as const;

export function createConfig(body: JsonObject): CollectionConfig {
  const vectors = body.vectors ?? {};
  const shown = isVector(vectors) ? shownVector(vectors, 'vectors') : mapOfVectors(vectors);
  for (const field of ['shard_number', 'replication_factor', 'write_consistency_factor'] as const) {
    const value = body[field];
    if (value === 0) throw invalidBody(`${field}: value 0 invalid, must be 1 or larger`);
  }
  return {
    params: {
      vectors: shown,
      shard_number: body.shard_number ?? 1,
      ...(body.sharding_method !== undefined && { sharding_method: body.sharding_method }),
      replication_factor: body.replication_factor ?? 1,
      write_consistency_factor: body.write_consistency_factor ?? 1,
      on_disk_payload: body.on_disk_payload ?? true,
      ...(isObject(body.sparse_vectors) && { sparse_vectors: body.sparse_vectors }),
    },
    hnsw_config: merged(HNSW, body.hnsw_config),
    optimizer_config: merged(OPTIMIZERS, body.optimizers_config),
    wal_config: merged(WAL, body.wal_config),
    quantization_config: body.quantization_config ?? null,
    ...(isObject(body.strict_mode_config) && { strict_mode_config: body.strict_mode_config }),
    ...(isObject(body.metadata) && { metadata: body.metadata }),
  };
}

export function updateConfig(config: CollectionConfig, body: JsonObject): CollectionConfig {
  return {
    ...config,
    params: merged(config.params, body.params),
    hnsw_config: merged(config.hnsw_config, body.hnsw_config),
    optimizer_config: merged(config.optimizer_config, body.optimizers_config),
    quantization_config: body.quantization_config ?? config.quantization_config,
    ...(isObject(body.strict_mode_config) && {
      strict_mode_config: merged(config.strict_mode_config ?? {}, body.strict_mode_config),
    }),
    ...(isObject(body.metadata) && { metadata: merged(config.metadata ?? {}, body.metadata) }),
  };
}

/** The vectors that points may have, by name; the unnamed one is called ''. */
export function denseVectors({ params }: CollectionConfig): ReadonlyMap<string, DenseConfig> {
  const { vectors } = params;
  if (isVector(vectors)) return new Map([['', vectors as unknown as DenseConfig]]);
  return new Map(Object.entries(vectors as Record<string, DenseConfig>));
}

/** Names of the sparse vectors, and whether rare dimensions count for more. */
export function sparseVectors({ params }: CollectionConfig): ReadonlyMap<string, { readonly idf: boolean }> {
  const sparse = isObject(params.sparse_vectors) ? params.sparse_vectors : {};
  return new Map(
    Object.entries(sparse).map(([name, each]) => [name, { idf: isObject(each) && each.modifier === 'idf' }]),
  );
}

/** The schema of a payload index, in its short or its long form. */
export function parseIndexSchema(value: unknown): string | JsonObject {
  if (value === undefined || value === null) {
    throw badRequest("Can't auto-detect field type, please specify `field_schema` in the request");
  }
  const type = isObject(value) ? value.type : value;
  if (typeof type === 'string' && SCHEMAS.includes(type)) return value as string | JsonObject;
  throw badBody('data did not match any variant of untagged enum PayloadFieldSchema');
}

function isVector(value: unknown): value is JsonObject {
  return isObject(value) && (typeof value.distance === 'string' || typeof value.size === 'number');
}

function mapOfVectors(value: unknown): JsonObject {
  if (!isObject(value)) throw noVectors();
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      if (!isVector(each)) throw noVectors();
      return [name, shownVector(each, `vectors.${name}`)];
    }),
  );
}

function shownVector(vector: JsonObject, place: string): JsonObject {
  const { size, distance } = vector;
  const known = DISTANCES.includes(distance as Distance);
  if (!isInteger(size) || size < 1 || !known) throw noVectors();
  if (size > DIMENSION_MAX)
    throw invalidBody(`${place}.size: value ${size} invalid, must be from 1 to ${DIMENSION_MAX}`);
  return Object.fromEntries(
    VECTOR_FIELDS.filter((field) => vector[field] !== undefined).map((field) => [field, vector[field]]),
  );
}

function noVectors(): Error {
  return badBody('data did not match any variant of untagged enum VectorsConfig');
}

function merged(base: JsonObject, changes: unknown): JsonObject {
  return isObject(changes) ? { ...base, ...changes } : base;
}
