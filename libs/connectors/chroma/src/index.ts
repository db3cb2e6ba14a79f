import type { VendorModule } from '@morag/connectors-core';
import { ChromaConnector } from './chroma.connector.ts';
import { CHROMA_CAPABILITIES, type ChromaOptions, chromaOptions } from './chroma.options.ts';

/** Chroma for the registry. */
export const chroma: VendorModule<ChromaOptions> = {
  vendor: 'chroma',
  title: 'Chroma',
  defaultPort: 8000,
  options: chromaOptions,
  capabilities: CHROMA_CAPABILITIES,
  create: (settings, options, { egress }) => new ChromaConnector(settings, options, egress),
};
