import { answerHttp, BUSY_SECONDS, type Harness } from '@morag/connectors-conformance';
import type { ServerSettings } from '@morag/connectors-core';
import { qdrant } from '@morag/connectors-qdrant';
import { startQdrantStandIn } from '@morag/connectors-stand-ins';
import { createEgress } from '@morag/egress';
import { external } from './external.ts';

const egress = createEgress({ allow: [], embedded: true });

const COMMON = {
  vendor: 'qdrant',
  secrets: ['s3cret-api-key-of-qdrant'],
  trouble: {
    busy: answerHttp(429, { 'retry-after': String(BUSY_SECONDS) }),
    failing: answerHttp(500),
    unavailable: answerHttp(503),
  },
  http: true,
  exceptions: {},
} as const;

function harness(server: string, settings: ServerSettings, rest: Pick<Harness, 'restart' | 'stop'>): Harness {
  return {
    ...COMMON,
    ...rest,
    server,
    settings,
    // Without a key of its own a server takes any.
    ...(settings.apiKey && { wrongCredentials: { apiKey: 'not-the-key' } }),
    open(overrides) {
      const changed = { ...settings, ...overrides };
      return qdrant.create(changed, qdrant.options.parse(changed.config), { egress });
    },
  };
}

/** The server that MORAG_CONFORMANCE_QDRANT_URL names, its path as the prefix of every request; or undefined. */
export function externalQdrant(): Harness | undefined {
  const settings = external('QDRANT', 6333);
  if (!settings) return undefined;
  const { host, database, tls } = settings;
  const config = {
    ...(database && { prefix: `/${database}` }),
    // So that its certificate is the right one behind the proxies of the suite.
    ...(tls !== 'DISABLED' && { tlsServerName: host }),
  };
  return harness(`Qdrant at ${host}`, { ...settings, database: undefined, config }, { stop: async () => {} });
}

/** The stand-in, since the server comes from no package registry. */
export async function standInQdrant(): Promise<Harness> {
  const apiKey = 'key-of-the-stand-in';
  const { host, port, version, restart, stop } = await startQdrantStandIn({ apiKey });
  const settings: ServerSettings = { host, port, tls: 'DISABLED', apiKey, config: {} };
  return harness(`stand-in for Qdrant ${version}`, settings, { restart, stop });
}
