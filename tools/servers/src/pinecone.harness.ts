import { answerHttp, BUSY_SECONDS, type Harness } from '@morag/connectors-conformance';
import type { ServerSettings } from '@morag/connectors-core';
import { pinecone } from '@morag/connectors-pinecone';
import { startPineconeStandIn } from '@morag/connectors-stand-ins';
import { createEgress } from '@morag/egress';
import { external } from './external.ts';

const egress = createEgress({ allow: [], embedded: true });

/** What the service takes in the background, a hundredth of what the real one does. */
const LAGS = { createMs: 60, deleteMs: 30, writeMs: 25 };

/** What no remedy of the connector's can give, by case. */
const EXCEPTIONS = {
  22: 'a record holds 40 KB with its document (docs.pinecone.io, database limits), and the case takes 900 KB',
};
/** Of the real service, whose indexes have hosts that the suite's proxy does not stand before. */
const DIRECT_HOSTS = 'requests for records go to the host of the index, past the proxy of the case';

const COMMON = {
  vendor: 'pinecone',
  wrongCredentials: { apiKey: 'not-the-key' },
  secrets: ['s3cret-api-key-of-pinecone'],
  trouble: {
    busy: answerHttp(429, { 'retry-after': String(BUSY_SECONDS) }),
    failing: answerHttp(500),
    unavailable: answerHttp(503),
  },
  http: true,
  exceptions: EXCEPTIONS,
} as const;

function harness(
  server: string,
  settings: ServerSettings,
  rest: Pick<Harness, 'restart' | 'stop'> & Partial<Pick<Harness, 'exceptions'>>,
): Harness {
  return {
    ...COMMON,
    ...rest,
    server,
    settings,
    namespace: async () => ({ config: { ...settings.config, namespace: 'another' } }),
    open(overrides) {
      const changed = { ...settings, ...overrides };
      return pinecone.create(changed, pinecone.options.parse(changed.config), { egress });
    },
  };
}

/** The service that MORAG_CONFORMANCE_PINECONE_URL names (https://api.pinecone.io), or undefined. */
export function externalPinecone(): Harness | undefined {
  const settings = external('PINECONE', 443);
  if (!settings) return undefined;
  // So that its certificate is the right one behind the proxies of the suite.
  const config = { ...settings.config, ...(settings.tls !== 'DISABLED' && { tlsServerName: settings.host }) };
  const exceptions = { ...EXCEPTIONS, 63: DIRECT_HOSTS, 64: DIRECT_HOSTS };
  return harness(`Pinecone at ${settings.host}`, { ...settings, config }, { exceptions, stop: async () => {} });
}

/** The stand-in, since the service cannot be started here. */
export async function standInPinecone(): Promise<Harness> {
  const apiKey = 'pcsk-of-the-stand-in';
  const standIn = await startPineconeStandIn({ apiKey, lags: LAGS });
  const { host, port } = standIn;
  const settings: ServerSettings = { host, port, tls: 'DISABLED', apiKey, config: { gateway: true } };
  return harness('stand-in, API 2026-07', settings, { restart: standIn.restart, stop: standIn.stop });
}
