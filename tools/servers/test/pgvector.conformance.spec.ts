import { describeConnector } from '@morag/connectors-conformance/describe-connector.ts';
import { externalPgvector, realPgvector } from '../src/pgvector.harness.ts';
import { pgvectorServer } from '../src/pgvector.server.ts';

const given = externalPgvector();
const reason = 'no server; `npm run servers -- install pgvector`, or set MORAG_CONFORMANCE_PGVECTOR_URL';

if (given) describeConnector('pgvector', async () => given);
else describeConnector('pgvector', pgvectorServer.isInstalled() ? realPgvector : { unavailable: reason });
