import { describeConnector } from '@morag/connectors-conformance/describe-connector.ts';
import { externalPgvector, realPgvector } from '../src/pgvector.harness.ts';
import { pgvectorServer } from '../src/pgvector.server.ts';

describeConnector('pgvector', async () => {
  const given = externalPgvector();
  if (given) return given;
  if (pgvectorServer.isInstalled()) return realPgvector();
  return { unavailable: 'no server; `npm run servers -- install pgvector`, or set MORAG_CONFORMANCE_PGVECTOR_URL' };
});
