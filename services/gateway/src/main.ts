import { ConfigError, type GatewayConfig, gatewayConfig } from '@morag/config';
import { openConfiguredTls, runProgram, type ServiceTransport, type TlsMaterial, transportTo } from '@morag/rpc';
import { createLogger, createMetrics, startTracing } from '@morag/telemetry';
import { buildGateway } from './gateway.ts';

/** The services of this version. */
type Service = 'identity' | 'servers' | 'documents';

/** The gateway with all that a process of its own needs. */
async function build(config: GatewayConfig) {
  const tracing = await startTracing({ service: 'gateway', endpoint: config.otlpEndpoint });
  const logger = createLogger({ level: config.logLevel, service: 'gateway' });
  const tls = await openConfiguredTls(config.tls, logger);
  const transports = connect(config, tls);
  const gateway = await buildGateway(config, {
    transports,
    logger,
    tls,
    metrics: createMetrics({ service: 'gateway' }),
  });
  return {
    start: () => gateway.start().catch((error: unknown) => Promise.reject(explain(error, config))),
    async stop() {
      await gateway.stop();
      for (const transport of Object.values(transports)) transport.close();
      tls?.close();
      await tracing.stop();
    },
  };
}

function connect({ peers }: GatewayConfig, tls: TlsMaterial | undefined): Record<Service, ServiceTransport> {
  const to = (name: Service): ServiceTransport => transportTo(peers[name], tls);
  return { identity: to('identity'), servers: to('servers'), documents: to('documents') };
}

/** What to do about a port that is taken, instead of the words of the operating system. */
function explain(error: unknown, { listen }: GatewayConfig): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') return error;
  const text = `Port ${listen.port} is in use by another program; stop it, or set MORAG_GATEWAY_PORT to another port`;
  return new Error(text, { cause: error });
}

await runProgram(() => build(gatewayConfig(process.env)), { isUsageError: (error) => error instanceof ConfigError });
