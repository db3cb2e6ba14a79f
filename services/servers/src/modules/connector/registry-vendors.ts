import {
  createConnector,
  describeTypes,
  type ServerConfig,
  TypeNotAvailable,
  testConnection,
  validateConfig,
} from '@morag/connectors-registry';
import type { Egress } from '@morag/egress';
import { DomainError } from '@morag/errors';
import type { JsonObject } from '../../json.ts';
import type { ServerAddress } from '../server/server.ts';
import type { Secrets } from '../server/server-secrets.ts';
import type { Vendors } from './vendors.ts';

const KEEP_ALIVE_MS = 30_000;

/** The vendors of this build, reached through the egress rules. */
export function createRegistryVendors(egress: Egress): Vendors {
  return {
    async describe() {
      const types = await describeTypes();
      return types.map(({ configSchema, capabilities, ...rest }) => ({
        ...rest,
        configSchema: toJsonObject(configSchema),
        capabilities: toJsonObject(capabilities),
      }));
    },
    checkConfig: (type, config) => validateConfig(type, config).catch(asNotAvailable),
    open: (address, secrets) => createConnector(toConfig(address, secrets), { egress }).catch(asNotAvailable),
    async openLifeline({ host, port }, onEnd, signal) {
      const socket = await egress.connect(host, port, { signal });
      // Routers forget connections on which nothing moves.
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      // What is not read from never ends; and nobody has asked anything: what speaks might never stop.
      socket.once('data', () => socket.destroy());
      socket.on('error', () => {}).once('close', onEnd);
      return { close: () => void socket.destroy() };
    },
    async test(address, secrets, { signal, timeoutMs }) {
      const options = { egress, signal, timeoutMs };
      const { serverInfo, ...result } = await testConnection(toConfig(address, secrets), options).catch(asNotAvailable);
      return { ...result, serverInfo: serverInfo && toJsonObject(serverInfo) };
    },
  };
}

function toConfig(
  { type, host, port, tls, username, database, config }: ServerAddress,
  secrets: Secrets,
): ServerConfig {
  return {
    ...secrets,
    type,
    host,
    port,
    tls,
    config,
    username: username || undefined,
    database: database || undefined,
  };
}

function asNotAvailable(error: unknown): never {
  if (!(error instanceof TypeNotAvailable)) throw error;
  throw new DomainError('SERVER_TYPE_NOT_AVAILABLE', error.message, {
    violations: [{ field: 'server.type', description: 'is not part of this build' }],
    cause: error,
  });
}

/** As it goes over the wire: without what JSON cannot hold. */
function toJsonObject(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
