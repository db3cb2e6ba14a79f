import { answerHttp, BUSY_SECONDS, type Harness } from '@morag/connectors-conformance';
import { __vendor__ } from '@morag/connectors-__vendor__';
import { createEgress } from '@morag/egress';
import { external } from './external.ts';

const egress = createEgress({ allow: [], embedded: true });

/** The server that MORAG_CONFORMANCE___VENDOR___URL names, or undefined. */
export function external__Vendor__(): Harness | undefined {
  const settings = external('__VENDOR__', __vendor__.defaultPort);
  if (!settings) return undefined;
  return {
    vendor: '__vendor__',
    server: `__Vendor__ at ${settings.host}`,
    settings,
    open(overrides) {
      const changed = { ...settings, ...overrides };
      return __vendor__.create(changed, __vendor__.options.parse(changed.config), { egress });
    },
    wrongCredentials: { apiKey: 'not-the-key' },
    secrets: ['s3cret-key-of-__vendor__'],
    trouble: {
      busy: answerHttp(429, { 'retry-after': String(BUSY_SECONDS) }),
      failing: answerHttp(500),
      unavailable: answerHttp(503),
    },
    http: true,
    exceptions: {},
    stop: async () => {},
  };
}
