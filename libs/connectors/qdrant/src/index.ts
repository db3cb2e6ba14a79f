import type { VendorModule } from '@morag/connectors-core';
import { QdrantConnector } from './qdrant.connector.ts';
import { QDRANT_CAPABILITIES, type QdrantOptions, qdrantOptions } from './qdrant.options.ts';

/** Qdrant for the registry. */
export const qdrant: VendorModule<QdrantOptions> = {
  vendor: 'qdrant',
  title: 'Qdrant',
  defaultPort: 6333,
  options: qdrantOptions,
  capabilities: QDRANT_CAPABILITIES,
  create: (settings, options, { egress }) => new QdrantConnector(settings, options, egress),
};
