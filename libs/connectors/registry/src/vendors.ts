import type { CommonOptions, Vendor, VendorModule } from '@morag/connectors-core';

/** The types of servers that can be registered, as the API names them. */
export const SERVER_TYPES = ['QDRANT', 'PINECONE', 'WEAVIATE', 'CHROMA', 'NEO4J', 'PGVECTOR'] as const;
export type ServerType = (typeof SERVER_TYPES)[number];

/** Loaded when first used: an SDK costs memory and start-up time, and most installations need one or two. */
const LOADERS: Readonly<Partial<Record<Vendor, () => Promise<VendorModule<CommonOptions>>>>> = {
  chroma: async () => (await import('@morag/connectors-chroma')).chroma,
  pgvector: async () => (await import('@morag/connectors-pgvector')).pgvector,
};

/** The connector's own name of a server type. */
export function vendorOf(type: ServerType): Vendor {
  return type.toLowerCase() as Vendor;
}

/** Whether a connector for this type is part of this build. */
export function isAvailable(type: ServerType): boolean {
  return vendorOf(type) in LOADERS;
}

/** The vendor's module, or undefined when it is not part of this build. */
export async function loadVendor(vendor: Vendor): Promise<VendorModule<CommonOptions> | undefined> {
  return LOADERS[vendor]?.();
}
