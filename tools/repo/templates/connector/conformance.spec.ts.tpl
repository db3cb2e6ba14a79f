import { describeConnector } from '@morag/connectors-conformance/describe-connector.ts';
import { external__Vendor__ } from '../src/__vendor__.harness.ts';

const given = external__Vendor__();

describeConnector('__vendor__', given ? async () => given : { unavailable: 'no server; set MORAG_CONFORMANCE___VENDOR___URL' });
