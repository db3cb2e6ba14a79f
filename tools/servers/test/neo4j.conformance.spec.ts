import { describeConnector } from '@morag/connectors-conformance/describe-connector.ts';
import { externalNeo4j, realNeo4j } from '../src/neo4j.harness.ts';
import { neo4jServer } from '../src/neo4j.server.ts';

const given = externalNeo4j();
const reason = 'no server; `npm run servers -- install neo4j`, or set MORAG_CONFORMANCE_NEO4J_URL';

if (given) describeConnector('neo4j', async () => given);
else describeConnector('neo4j', neo4jServer.isInstalled() ? realNeo4j : { unavailable: reason });
