import { expect, it } from '@jest/globals';
import { createLogger } from '@morag/telemetry';
import { createLogSink } from '@morag/testing';
import { SERVER_TYPES, type Server } from '../server/server.ts';
import { createProbeConnectors } from './probe-connectors.ts';

const SERVER: Server = {
  id: '',
  ownerId: 'owner',
  name: 'server',
  type: 'CHROMA',
  host: 'db.example.org',
  port: 8_000,
  tls: 'VERIFY',
  username: '',
  database: '',
  config: { connections: 16, timeoutMs: 5_000 },
  collection: '',
  labels: {},
  sealedPassword: null,
  sealedApiKey: null,
  isActive: true,
  lastConnectedAt: null,
  revision: 1,
  version: 1,
  createdAt: new Date(0),
  updatedAt: new Date(0),
};

it('looks through one socket at servers that speak HTTP, and as they are configured at the others', async () => {
  const opened: Record<string, Server['config']> = {};
  const connectors = createProbeConnectors({
    roster: { load: async (ids) => SERVER_TYPES.filter((type) => ids.includes(type)).map(serverOf) },
    open: async ({ type, config }) => {
      opened[type] = config;
      throw new Error('only how it is opened matters here');
    },
    logger: createLogger({ level: 'error', service: 'test', stream: createLogSink() }),
  });
  await connectors.find(SERVER_TYPES.map((id) => ({ id, revision: 1 })));
  const one = { connections: 1, timeoutMs: 5_000 };
  expect(opened).toEqual({
    QDRANT: one,
    PINECONE: one,
    WEAVIATE: one,
    CHROMA: one,
    NEO4J: SERVER.config,
    PGVECTOR: SERVER.config,
  });
  await connectors.stop();
});

function serverOf(type: Server['type']): Server {
  return { ...SERVER, id: type, type };
}
