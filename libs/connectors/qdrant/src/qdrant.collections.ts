import {
  type Call,
  type CollectionInfo,
  type CollectionSpec,
  type CollectionState,
  type FilterField,
  type Metric,
  type NameRules,
  nativeName,
} from '@morag/connectors-core';
import { z } from 'zod';
import { checkWritten, parseResult } from './qdrant.answers.ts';
import type { QdrantOptions } from './qdrant.options.ts';
import { ARRAYS_KEY, nativeKey, pathOf } from './qdrant.payload.ts';
import type { QdrantWire } from './qdrant.wire.ts';

/** A collection as the data calls need it. */
export interface QdrantCollection extends CollectionInfo {
  /** Name of its vectors; empty where they have none. */
  readonly vectorName: string;
  /** Documents are indexed by words. */
  readonly words: boolean;
}

/** The sparse vector that holds the words of a document. */
export const WORDS_VECTOR = 'words';

const NAME_RULES: NameRules = {
  // The name is that of a folder of the server.
  plain: /^(?!\.{1,2}$)[^<>:"/\\|?*]{1,255}$/u,
  prefix: 'vk-',
  filler: '-',
  lengthMax: 255,
};

const DISTANCE_OF_METRIC = { cosine: 'Cosine', dot: 'Dot', euclidean: 'Euclid' } as const;
const METRIC_OF_DISTANCE: Readonly<Record<string, Metric>> = { Cosine: 'cosine', Dot: 'dot', Euclid: 'euclidean' };
/** Yellow and grey still answer: parts are being optimised, or wait for it. */
const STATE_OF_STATUS: Readonly<Record<string, CollectionState>> = {
  green: 'ready',
  yellow: 'building',
  grey: 'building',
  red: 'degraded',
};
const INDEX_OF_TYPE = { string: 'keyword', number: 'float', boolean: 'bool' } as const;

const vectorJson = z.object({ size: z.int().min(1), distance: z.string() });
const collectionJson = z.object({
  status: z.string(),
  config: z.object({
    params: z.object({
      vectors: z.union([vectorJson, z.record(z.string(), vectorJson)]).nullish(),
      sparse_vectors: z.record(z.string(), z.unknown()).nullish(),
    }),
    metadata: z.record(z.string(), z.unknown()).nullish(),
  }),
});
const listJson = z.object({ collections: z.array(z.object({ name: z.string() })) });

/** The server's name for a collection. */
export function nativeCollectionName(name: string): string {
  return nativeName(name, NAME_RULES);
}

/** The server's names of all collections, sorted. Proves the key, too. */
export async function listNames(wire: QdrantWire, call: Call): Promise<string[]> {
  const body = await wire.ask(call, (api, init) => api.getCollections({}, init));
  return parseResult(listJson, body, call)
    .collections.map(({ name }) => name)
    .sort();
}

export async function findCollection(wire: QdrantWire, call: Call, native: string): Promise<QdrantCollection> {
  const body = await wire.ask(call, (api, init) => api.getCollection({ collection_name: native }, init));
  return toCollection(native, parseResult(collectionJson, body, call));
}

/**
 * The vectors are named after their metric, so that whoever remembers a collection that was made again with another one
 * is refused, instead of reading its scores wrongly. The real name is kept in the collection's own metadata.
 */
export async function createCollection(
  wire: QdrantWire,
  call: Call,
  { name, dimension, metric }: CollectionSpec,
  options: QdrantOptions,
): Promise<void> {
  const { hnsw, shards } = options;
  const body = await wire.ask(call, (api, init) =>
    api.createCollection(
      {
        collection_name: nativeCollectionName(name),
        vectors: {
          [metric]: { size: dimension, distance: DISTANCE_OF_METRIC[metric] },
        },
        ...(options.words && { sparse_vectors: { [WORDS_VECTOR]: { modifier: 'idf' } } }),
        hnsw_config: { m: hnsw.m, ef_construct: hnsw.efConstruction },
        ...quantizationOf(options),
        ...(shards !== undefined && { shard_number: shards }),
        replication_factor: options.replicas,
        write_consistency_factor: options.writeConsistency,
        metadata: { _vk_name: name },
      },
      init,
    ),
  );
  parseResult(z.literal(true), body, call);
}

/** An index for each field that filters will name; a server in strict mode filters by nothing else. */
export async function createIndexes(
  wire: QdrantWire,
  call: Call,
  native: string,
  fields: readonly FilterField[],
): Promise<void> {
  if (fields.length === 0) return;
  const indexes = fields.map(({ name, type }) => [pathOf(nativeKey(name)), INDEX_OF_TYPE[type]] as const);
  for (const [field, schema] of [...indexes, [ARRAYS_KEY, 'keyword'] as const]) {
    const request = { collection_name: native, wait: true, field_name: field, field_schema: schema };
    checkWritten(await wire.ask(call, (api, init) => api.createFieldIndex(request, init)), call);
  }
}

/** False when there was none. */
export async function deleteCollection(wire: QdrantWire, call: Call, native: string): Promise<boolean> {
  const body = await wire.ask(call, (api, init) => api.deleteCollection({ collection_name: native }, init));
  return parseResult(z.boolean(), body, call);
}

function quantizationOf({ quantization }: QdrantOptions) {
  switch (quantization) {
    case 'scalar':
      return { quantization_config: { scalar: { type: 'int8' as const, always_ram: true } } };
    case 'binary':
      return { quantization_config: { binary: { always_ram: true } } };
    case 'none':
      return {};
  }
}

function toCollection(native: string, { status, config }: z.infer<typeof collectionJson>): QdrantCollection {
  const { vectors, sparse_vectors: sparse } = config.params;
  const name = config.metadata?._vk_name;
  const [vectorName, vector] = denseVector(vectors);
  return {
    name: typeof name === 'string' ? name : native,
    nativeName: native,
    dimension: vector?.size ?? null,
    metric: METRIC_OF_DISTANCE[vector?.distance ?? ''] ?? null,
    state: STATE_OF_STATUS[status] ?? 'building',
    createdByUs: typeof name === 'string',
    vectorName,
    words: typeof name === 'string' && sparse?.[WORDS_VECTOR] !== undefined,
  };
}

type VectorJson = z.infer<typeof vectorJson>;

/** The one vector of each point; of several in another program's collection the first by name. */
function denseVector(
  vectors: VectorJson | Readonly<Record<string, VectorJson>> | null | undefined,
): readonly [string, VectorJson?] {
  const single = vectorJson.safeParse(vectors);
  if (single.success) return ['', single.data];
  const named = Object.entries((vectors ?? {}) as Readonly<Record<string, VectorJson>>);
  const [first] = named.sort(([a], [b]) => (a < b ? -1 : 1));
  return first ?? [''];
}
