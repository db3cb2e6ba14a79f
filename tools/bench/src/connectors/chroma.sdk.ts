import { ChromaClient, type Collection } from 'chromadb';
import type { OpenSdk } from './sdk-side.ts';

/** By `chromadb`. */
export const openChroma: OpenSdk = async ({ host, port }) => {
  const client = new ChromaClient({ host, port, ssl: false });
  const collections = new Map<string, Promise<Collection>>();
  const open = (name: string) => {
    const known = collections.get(name) ?? client.getCollection({ name, embeddingFunction: undefined });
    collections.set(name, known);
    return known;
  };
  return {
    async query(name, vector, nResults) {
      const collection = await open(name);
      const include = ['distances', 'metadatas', 'documents'] as const;
      const { ids } = await collection.query({ queryEmbeddings: [[...vector]], nResults, include: [...include] });
      return ids[0]?.length ?? 0;
    },
    async upsert(name, records) {
      const collection = await open(name);
      await collection.upsert({
        ids: records.map(({ id }) => id),
        embeddings: records.map(({ vector }) => [...vector]),
        metadatas: records.map(({ metadata }) => metadata as Record<string, number>),
        documents: records.map(({ document = '' }) => document),
      });
    },
    close: async () => {},
  };
};
