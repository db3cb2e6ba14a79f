import {
  type CollectionInfo,
  type CollectionSpec,
  ConnectorError,
  type Metric,
  type NameRules,
  nativeName,
  type Origin,
} from '@morag/connectors-core';
import { z } from 'zod';
import type { ChromaOptions } from './chroma.options.ts';
import type { ChromaSession } from './chroma.wire.ts';

/** A collection as the data calls need it. The UUID changes when it is deleted and created again. */
export interface ChromaCollection extends CollectionInfo {
  readonly uuid: string;
}

const NAME_RULES: NameRules = {
  plain: /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]$/,
  prefix: 'vk-',
  filler: '-',
  lengthMax: 512,
};

const SPACE_OF_METRIC = { cosine: 'cosine', dot: 'ip', euclidean: 'l2' } as const;
const METRIC_OF_SPACE: Readonly<Record<string, Metric>> = { cosine: 'cosine', ip: 'dot', l2: 'euclidean' };

// The SDK leaves out the dimension, warns about other programs' embedding functions and imports packages that the
// server names, hence collections are read from the wire.
const collectionJson = z.object({
  id: z.uuid(),
  name: z.string(),
  dimension: z.int().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  configuration_json: z
    .object({ hnsw: z.object({ space: z.string() }).nullish(), spann: z.object({ space: z.string() }).nullish() })
    .nullish(),
});
const listJson = z.array(collectionJson);

export async function listCollections(
  session: ChromaSession,
  origin: Origin,
  offset: number,
  limit: number,
): Promise<ChromaCollection[]> {
  const answer = await session.request('GET', `/collections?limit=${limit}&offset=${offset}`);
  return parse(listJson, answer, origin).map(toCollection);
}

export async function findCollection(session: ChromaSession, origin: Origin, name: string): Promise<ChromaCollection> {
  const native = nativeName(name, NAME_RULES);
  const answer = await session.request('GET', `/collections/${encodeURIComponent(native)}`);
  return toCollection(parse(collectionJson, answer, origin));
}

/** What the server forgets or cannot hold (the real name, the dimension before the first insert) goes into metadata. */
export async function createCollection(
  session: ChromaSession,
  origin: Origin,
  spec: CollectionSpec,
  hnsw: ChromaOptions['hnsw'],
): Promise<ChromaCollection> {
  const { name, dimension, metric } = spec;
  const answer = await session.request('POST', '/collections', {
    name: nativeName(name, NAME_RULES),
    configuration: {
      hnsw: {
        space: SPACE_OF_METRIC[metric],
        max_neighbors: hnsw.maxNeighbors,
        ef_construction: hnsw.efConstruction,
        ef_search: hnsw.efSearch,
      },
    },
    metadata: { _vk_name: name, _vk_dimension: dimension, _vk_metric: metric },
  });
  return toCollection(parse(collectionJson, answer, origin));
}

export async function deleteCollection(session: ChromaSession, nativeCollection: string): Promise<void> {
  await session.request('DELETE', `/collections/${encodeURIComponent(nativeCollection)}`);
}

export async function countCollections(session: ChromaSession, origin: Origin): Promise<number> {
  return parse(z.int().min(0), await session.request('GET', '/collections_count'), origin);
}

/** The answer in its expected form; anything else there is not Chroma. */
export function parse<T>(schema: z.ZodType<T>, answer: unknown, origin: Origin): T {
  const parsed = schema.safeParse(answer);
  if (!parsed.success) throw new ConnectorError('protocol', origin, 'What answers there is not Chroma.');
  return parsed.data;
}

function toCollection(json: z.infer<typeof collectionJson>): ChromaCollection {
  const metadata = json.metadata ?? {};
  const { _vk_name: name, _vk_dimension: dimension } = metadata;
  const space = json.configuration_json?.hnsw?.space ?? json.configuration_json?.spann?.space ?? metadata['hnsw:space'];
  return {
    uuid: json.id,
    name: typeof name === 'string' ? name : json.name,
    nativeName: json.name,
    dimension: typeof dimension === 'number' ? dimension : (json.dimension ?? null),
    metric: METRIC_OF_SPACE[String(space ?? 'l2')] ?? null,
    state: 'ready',
    createdByUs: typeof name === 'string',
  };
}
