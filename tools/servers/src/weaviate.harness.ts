import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { answerHttp, BUSY_SECONDS, type Harness } from '@morag/connectors-conformance';
import type { ServerSettings } from '@morag/connectors-core';
import { weaviate } from '@morag/connectors-weaviate';
import { createEgress } from '@morag/egress';
import { freePort } from '@morag/embedded';
import { external } from './external.ts';
import { serversFolder } from './folders.ts';
import { onePortFor } from './one-port.ts';
import { weaviateServer } from './weaviate.server.ts';

const egress = createEgress({ allow: [], embedded: true });

const COMMON = {
  vendor: 'weaviate',
  wrongCredentials: { apiKey: 'not-the-key' },
  secrets: ['s3cret-key-of-weaviate'],
  trouble: {
    busy: answerHttp(429, { 'retry-after': String(BUSY_SECONDS) }),
    failing: answerHttp(500),
    unavailable: answerHttp(503),
  },
  http: true,
  exceptions: {},
} as const;

const TENANT = 'morag_conformance';
const GRPC_PORT = 50_051;

/** REST and gRPC behind one port, so that faults and stand-ins are before both. */
async function harness(
  server: string,
  settings: ServerSettings & { readonly config: { readonly grpcPort: number } },
  rest: Pick<Harness, 'restart' | 'stop'>,
): Promise<Harness> {
  const { host, port, config } = settings;
  const front = await onePortFor({ host, port, grpcPort: config.grpcPort });
  const behind = { ...settings, host: '127.0.0.1', port: front.port, config: { grpcPort: front.port } };
  return {
    ...COMMON,
    ...rest,
    server,
    settings: behind,
    namespace: async () => ({ config: { tenant: TENANT } }),
    open(overrides) {
      const changed = { ...behind, ...overrides };
      const options = weaviate.options.parse({ ...changed.config, grpcPort: changed.port });
      return weaviate.create(changed, options, { egress });
    },
    async stop() {
      await front.close();
      await rest.stop();
    },
  };
}

/** The server that MORAG_CONFORMANCE_WEAVIATE_URL names, its gRPC API at `?grpcPort=`; undefined when none is named. */
export function externalWeaviate(): Promise<Harness> | undefined {
  const settings = external('WEAVIATE', 8080);
  if (!settings) return undefined;
  const { searchParams } = new URL(process.env.MORAG_CONFORMANCE_WEAVIATE_URL ?? '');
  const grpcPort = Number(searchParams.get('grpcPort') ?? GRPC_PORT);
  return harness(`Weaviate at ${settings.host}`, { ...settings, config: { grpcPort } }, { stop: async () => {} });
}

/** A server of its own with data of its own. */
export async function realWeaviate(): Promise<Harness> {
  const port = await freePort();
  const data = join(serversFolder(), 'data', `weaviate-conformance-${port}`);
  const options = { port, data };
  const { host, apiKey, config } = await weaviateServer.start(options);
  const settings = { host, port, tls: 'DISABLED', apiKey, config: config as { grpcPort: number } } as const;
  return harness(`Weaviate ${weaviateServer.version}`, settings, {
    async restart() {
      await weaviateServer.kill(options);
      await weaviateServer.start(options);
    },
    async stop() {
      await weaviateServer.stop(options);
      for (const path of [data, `${data}.log`]) rmSync(path, { recursive: true, force: true });
    },
  });
}
