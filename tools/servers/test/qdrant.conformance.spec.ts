import { describeConnector } from '@morag/connectors-conformance/describe-connector.ts';
import { externalQdrant, standInQdrant } from '../src/qdrant.harness.ts';

describeConnector('qdrant', async () => externalQdrant() ?? standInQdrant());
