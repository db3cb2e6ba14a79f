import type { VendorModule } from '@morag/connectors-core';
import { PineconeConnector } from './pinecone.connector.ts';
import { PINECONE_CAPABILITIES, type PineconeOptions, pineconeOptions } from './pinecone.options.ts';

/** Pinecone for the registry. */
export const pinecone: VendorModule<PineconeOptions> = {
  vendor: 'pinecone',
  title: 'Pinecone',
  defaultPort: 443,
  options: pineconeOptions,
  capabilities: PINECONE_CAPABILITIES,
  create: (settings, options, { egress }) => new PineconeConnector(settings, options, egress),
};
