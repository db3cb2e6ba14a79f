import type { VendorModule } from '@morag/connectors-core';
import { PgvectorConnector } from './pgvector.connector.ts';
import { PGVECTOR_CAPABILITIES, type PgvectorOptions, pgvectorOptions } from './pgvector.options.ts';

/** PostgreSQL with pgvector for the registry. */
export const pgvector: VendorModule<PgvectorOptions> = {
  vendor: 'pgvector',
  title: 'PostgreSQL with pgvector',
  defaultPort: 5432,
  options: pgvectorOptions,
  capabilities: PGVECTOR_CAPABILITIES,
  create: (settings, options, { egress }) => new PgvectorConnector(settings, options, egress),
};
