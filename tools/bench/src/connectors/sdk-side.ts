import type { ServerSettings, VectorRecord } from '@morag/connectors-core';

/** The same work by the vendor's SDK alone, as its documentation shows it, on collections that a connector made. */
export interface SdkSide {
  /** Number of hits, of the form that the connector returns: id, metadata, document and distance. */
  query(collection: string, vector: readonly number[], topK: number): Promise<number>;
  upsert(collection: string, records: readonly VectorRecord[]): Promise<void>;
  close(): Promise<void>;
}

export type OpenSdk = (settings: ServerSettings) => Promise<SdkSide>;

/** The vendors whose real server can be started here. Loaded when they are measured. */
export const SDK_SIDES: Readonly<Record<string, () => Promise<OpenSdk>>> = {
  chroma: async () => (await import('./chroma.sdk.ts')).openChroma,
  weaviate: async () => (await import('./weaviate.sdk.ts')).openWeaviate,
  neo4j: async () => (await import('./neo4j.sdk.ts')).openNeo4j,
  pgvector: async () => (await import('./pgvector.sdk.ts')).openPgvector,
};
