import { describeConnector } from '@morag/connectors-conformance/describe-connector.ts';
import { embeddedChroma, externalChroma } from '../src/chroma.harness.ts';

describeConnector('chroma', async () => externalChroma() ?? embeddedChroma());
