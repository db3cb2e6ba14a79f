import neo4j from 'neo4j-driver';
import type { OpenSdk } from './sdk-side.ts';

/** Candidates that the connector asks the index for by default, without which it finds less. */
const CANDIDATES = 200;

/** By `neo4j-driver`, with `executeQuery`. */
export const openNeo4j: OpenSdk = async ({ host, port, username = 'neo4j', password = '' }) => {
  const driver = neo4j.driver(`bolt://${host}:${port}`, neo4j.auth.basic(username, password));
  return {
    async query(name, vector, topK) {
      const { records } = await driver.executeQuery(
        `CALL db.index.vector.queryNodes($index, $depth, $vector) YIELD node AS n, score
         WITH n, score ORDER BY score DESC LIMIT $topK
         RETURN score, n.id AS id, n.metadata AS metadata, n.document AS document`,
        { index: name, depth: neo4j.int(CANDIDATES), vector: [...vector], topK: neo4j.int(topK) },
        { routing: 'READ' },
      );
      return records.length;
    },
    async upsert(name, records) {
      const rows = records.map(({ id, vector, metadata, document }) => ({
        key: `${name}/${id}`,
        properties: { key: `${name}/${id}`, id, embedding: [...vector], metadata: JSON.stringify(metadata), document },
      }));
      await driver.executeQuery(
        `UNWIND $rows AS row MERGE (n:MoragRecord {key: row.key}) SET n = row.properties, n:\`${name}\``,
        { rows },
      );
    },
    close: () => driver.close(),
  };
};
