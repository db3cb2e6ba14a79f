import type { Harness } from '@morag/connectors-conformance';
import type { LabServer } from './lab-server.ts';

/** What this tool knows of a vendor. Loaded when it is asked for: an SDK takes its time. */
export interface LabVendor {
  /** The vendor's SDK, as its connector's package.json names it. */
  readonly sdk: string;
  /** The real server, where it can be had from package registries. */
  readonly server?: () => Promise<LabServer>;
  /** What the suite runs on: the server that the environment names, or one that is started here; undefined without either. */
  readonly harness: () => Promise<Harness | undefined>;
}

/** By the vendors' own names, in the order of the reports. */
export const VENDORS: Readonly<Record<string, LabVendor>> = {
  qdrant: {
    sdk: '@qdrant/js-client-rest',
    async harness() {
      const { externalQdrant, standInQdrant } = await import('./qdrant.harness.ts');
      return externalQdrant() ?? standInQdrant();
    },
  },
  pinecone: {
    sdk: '@pinecone-database/pinecone',
    async harness() {
      const { externalPinecone, standInPinecone } = await import('./pinecone.harness.ts');
      return externalPinecone() ?? standInPinecone();
    },
  },
  weaviate: {
    sdk: 'weaviate-client',
    server: async () => (await import('./weaviate.server.ts')).weaviateServer,
    async harness() {
      const { externalWeaviate, realWeaviate } = await import('./weaviate.harness.ts');
      return externalWeaviate() ?? realWeaviate();
    },
  },
  chroma: {
    sdk: 'chromadb',
    server: async () => (await import('./chroma.server.ts')).chromaServer,
    async harness() {
      const { externalChroma, realChroma } = await import('./chroma.harness.ts');
      return externalChroma() ?? realChroma();
    },
  },
  pgvector: {
    sdk: 'pg',
    server: async () => (await import('./pgvector.server.ts')).pgvectorServer,
    async harness() {
      const { externalPgvector, realPgvector } = await import('./pgvector.harness.ts');
      return externalPgvector() ?? realPgvector();
    },
  },
  neo4j: {
    sdk: 'neo4j-driver',
    server: async () => (await import('./neo4j.server.ts')).neo4jServer,
    async harness() {
      const { externalNeo4j, realNeo4j } = await import('./neo4j.harness.ts');
      return externalNeo4j() ?? realNeo4j();
    },
  },
};

/** The vendors whose server can be installed and started here. */
export const STARTABLE: readonly string[] = Object.keys(VENDORS).filter((name) => VENDORS[name]?.server);
