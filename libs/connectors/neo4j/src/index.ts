import type { VendorModule } from '@morag/connectors-core';
import { Neo4jConnector } from './neo4j.connector.ts';
import { NEO4J_CAPABILITIES, type Neo4jOptions, neo4jOptions } from './neo4j.options.ts';

/** Neo4j for the registry. */
export const neo4j: VendorModule<Neo4jOptions> = {
  vendor: 'neo4j',
  title: 'Neo4j',
  defaultPort: 7687,
  options: neo4jOptions,
  capabilities: NEO4J_CAPABILITIES,
  create: (settings, options, { egress }) => new Neo4jConnector(settings, options, egress),
};
