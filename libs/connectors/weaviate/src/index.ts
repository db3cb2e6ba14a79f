import type { VendorModule } from '@morag/connectors-core';
import { WeaviateConnector } from './weaviate.connector.ts';
import { WEAVIATE_CAPABILITIES, type WeaviateOptions, weaviateOptions } from './weaviate.options.ts';

/** Weaviate for the registry. */
export const weaviate: VendorModule<WeaviateOptions> = {
  vendor: 'weaviate',
  title: 'Weaviate',
  defaultPort: 8080,
  options: weaviateOptions,
  capabilities: WEAVIATE_CAPABILITIES,
  create: (settings, options, { egress }) => new WeaviateConnector(settings, options, egress),
};
