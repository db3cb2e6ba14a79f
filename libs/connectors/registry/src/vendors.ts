import type { CommonOptions, VendorModule } from '@morag/connectors-core';

/** The types of servers that can be registered, as the API names them. */
export const SERVER_TYPES = ['QDRANT', 'PINECONE', 'WEAVIATE', 'CHROMA', 'NEO4J', 'PGVECTOR'] as const;
export type ServerType = (typeof SERVER_TYPES)[number];

/** No connector for this type is part of this build: a later version may have registered the server. */
export class TypeNotAvailable extends Error {
  override readonly name = 'TypeNotAvailable';

  constructor(type: ServerType) {
    super(`No connector for ${type} is part of this build.`);
  }
}

/** Loaded when first used: an SDK costs memory and start-up time, and most installations need one or two. */
const LOADERS: Readonly<Record<ServerType, () => Promise<VendorModule<CommonOptions>>>> = {
  QDRANT: async () => (await import('@morag/connectors-qdrant')).qdrant,
  PINECONE: async () => (await import('@morag/connectors-pinecone')).pinecone,
  WEAVIATE: async () => (await import('@morag/connectors-weaviate')).weaviate,
  CHROMA: async () => (await import('@morag/connectors-chroma')).chroma,
  NEO4J: async () => (await import('@morag/connectors-neo4j')).neo4j,
  PGVECTOR: async () => (await import('@morag/connectors-pgvector')).pgvector,
};

/** Those that were loaded: also the second `import()` of one costs a third of what opening a connector does. */
const loaded = new Map<ServerType, VendorModule<CommonOptions>>();

/** The vendor's module; rejects with `TypeNotAvailable`. */
export async function loadVendor(type: ServerType): Promise<VendorModule<CommonOptions>> {
  if (!Object.hasOwn(LOADERS, type)) throw new TypeNotAvailable(type);
  const vendor = loaded.get(type) ?? (await LOADERS[type]());
  loaded.set(type, vendor);
  return vendor;
}
