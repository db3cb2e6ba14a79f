import { documentsConfig, gatewayConfig, identityConfig, serversConfig } from '@morag/config';
import { buildDocumentsService } from '@morag/documents';
import { buildGateway } from '@morag/gateway';
import { buildIdentityService } from '@morag/identity';
import { buildServersService } from '@morag/servers';
import { createLogger, createMetrics, type Logger, startTracing } from '@morag/telemetry';
import pino from 'pino';
import type { Credentials } from './installation.ts';
import type { System } from './system.ts';

/**
 * Runs every service in this process. They call each other in process, through the same interceptors as over the
 * network; each still listens on its own port.
 */
export async function startInOneProcess(env: Record<string, string>, administrator: Credentials): Promise<System> {
  const gatewayOptions = gatewayConfig(env);
  const tracing = await startTracing({ service: 'morag', endpoint: gatewayOptions.otlpEndpoint });
  const stream = pino.destination({ dest: 2, sync: true });
  const loggerOf = (service: string): Logger => createLogger({ level: gatewayOptions.logLevel, service, stream });
  const started: { stop(): Promise<void> }[] = [tracing];
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).reverse()) await part.stop();
  };
  try {
    const identity = await buildIdentityService(identityConfig(env), { logger: loggerOf('identity'), administrator });
    started.push(identity);
    await identity.start();
    const servers = await buildServersService(serversConfig(env), {
      logger: loggerOf('servers'),
      clients: { identity: identity.transport() },
    });
    started.push(servers);
    await servers.start();
    const documents = await buildDocumentsService(documentsConfig(env), {
      logger: loggerOf('documents'),
      clients: { identity: identity.transport(), servers: servers.transport() },
    });
    started.push(documents);
    await documents.start();
    const transports = {
      identity: identity.transport(),
      servers: servers.transport(),
      documents: documents.transport(),
    };
    const metrics = createMetrics({ service: 'gateway' });
    const gateway = await buildGateway(gatewayOptions, { transports, logger: loggerOf('gateway'), metrics });
    started.push(gateway);
    await gateway.start();
    return { transports, lost: new Promise(() => {}), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
