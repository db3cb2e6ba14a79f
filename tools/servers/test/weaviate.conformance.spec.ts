import { describeConnector } from '@morag/connectors-conformance/describe-connector.ts';
import { externalWeaviate, realWeaviate } from '../src/weaviate.harness.ts';
import { weaviateServer } from '../src/weaviate.server.ts';

const given = externalWeaviate();
const reason = 'no server; `npm run servers -- install weaviate`, or set MORAG_CONFORMANCE_WEAVIATE_URL';

if (given) describeConnector('weaviate', () => given);
else describeConnector('weaviate', weaviateServer.isInstalled() ? realWeaviate : { unavailable: reason });
