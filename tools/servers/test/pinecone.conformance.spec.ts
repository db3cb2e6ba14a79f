import { describeConnector } from '@morag/connectors-conformance/describe-connector.ts';
import { externalPinecone, standInPinecone } from '../src/pinecone.harness.ts';

describeConnector('pinecone', async () => externalPinecone() ?? standInPinecone());
