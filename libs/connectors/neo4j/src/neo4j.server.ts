import { type Call, ConnectorError, isAtLeast, type ServerInfo } from '@morag/connectors-core';
import type { Neo4jDatabase } from './neo4j.database.ts';

/** The first version whose vector indexes can be told not to round. */
const VERSION_MIN = [5, 23] as const;

interface Component {
  readonly name: string;
  readonly versions: readonly string[];
  readonly edition: string;
}

/** Proves that the login works, that the database is there and that its Neo4j is recent enough. */
export async function checkServer(database: Neo4jDatabase, call: Call): Promise<ServerInfo> {
  const { rows, agent } = await database.ask<Component>(call, { text: 'CALL dbms.components()' });
  // Later versions list more than the kernel.
  const kernel = rows.find(({ name }) => name === 'Neo4j Kernel');
  const version = kernel?.versions[0];
  if (!kernel || !version || !agent.startsWith('Neo4j/')) {
    throw new ConnectorError('protocol', call, 'What answers there speaks Bolt, but it is not Neo4j.');
  }
  if (!isAtLeast(version, VERSION_MIN)) {
    throw new ConnectorError('unsupported', call, `Neo4j ${version} is too old: 5.23 or later is needed.`);
  }
  return { vendor: 'neo4j', version, edition: kernel.edition, warnings: [] };
}
