import type { Transport } from '@connectrpc/connect';
import { documentsConfig, gatewayConfig, identityConfig, serversConfig } from '@morag/config';
import { buildDocumentsService } from '@morag/documents';
import { buildGateway } from '@morag/gateway';
import { buildIdentityService } from '@morag/identity';
import { deferredTransport } from '@morag/rpc';
import { buildServersService } from '@morag/servers';
import { createLogger, createMetrics, type Logger, startTracing } from '@morag/telemetry';
import pino from 'pino';
import type { Credentials } from './installation.ts';
import type { System } from './system.ts';

/** A system in this process. */
export interface OneProcess extends System {
  /** Where everything listens, also where the configuration left the choice of a port to the machine. */
  readonly ports: Readonly<Record<'identity' | 'servers' | 'documents' | 'gateway', number>>;
}

/**
 * Runs every service in this process. They call each other in process, through the same interceptors as over the
 * network; each still listens on its own port. Logs go to `stream`.
 */
export async function startInOneProcess(
  env: Record<string, string>,
  administrator: Pick<Credentials, 'email' | 'password'>,
  stream: { write(line: string): void } = pino.destination({ dest: 2, sync: true }),
): Promise<OneProcess> {
  const gatewayOptions = gatewayConfig(env);
  const tracing = await startTracing({ service: 'morag', endpoint: gatewayOptions.otlpEndpoint });
  const loggerOf = (service: string): Logger => createLogger({ level: gatewayOptions.logLevel, service, stream });
  const started: { stop(): Promise<void> }[] = [tracing];
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).reverse()) await part.stop();
  };
  const start = async <Part extends { start(): Promise<{ port: number }>; stop(): Promise<void> }>(part: Part) => {
    started.push(part);
    const { port } = await part.start();
    return { part, port };
  };
  try {
    const transports = new Map<string, Transport>();
    const later = (name: string): Transport => deferredTransport(() => transports.get(name));
    const clients = { identity: later('identity'), servers: later('servers'), documents: later('documents') };
    const identity = await start(
      await buildIdentityService(identityConfig(env), { logger: loggerOf('identity'), administrator, clients }),
    );
    transports.set('identity', identity.part.transport());
    const servers = await start(
      await buildServersService(serversConfig(env), { logger: loggerOf('servers'), clients }),
    );
    transports.set('servers', servers.part.transport());
    const documents = await start(
      await buildDocumentsService(documentsConfig(env), { logger: loggerOf('documents'), clients }),
    );
    transports.set('documents', documents.part.transport());
    const metrics = createMetrics({ service: 'gateway' });
    const gateway = await start(
      await buildGateway(gatewayOptions, { transports: clients, logger: loggerOf('gateway'), metrics }),
    );
    const ports = { identity: identity.port, servers: servers.port, documents: documents.port, gateway: gateway.port };
    return { transports: clients, ports, lost: new Promise(() => {}), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
