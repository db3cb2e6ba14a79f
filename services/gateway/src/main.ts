import { ConfigError, type GatewayConfig, gatewayConfig } from '@morag/config';
import { createServiceTransport, type ServiceTransport } from '@morag/rpc';
import { createLogger, createMetrics, startTracing } from '@morag/telemetry';
import { buildGateway } from './gateway.ts';

/** The services of this version. */
const SERVICES = ['identity', 'servers', 'documents'] as const;

/** Runs the gateway as a process of its own until it is told to stop. */
async function main(): Promise<void> {
  const config = gatewayConfig(process.env);
  const tracing = await startTracing({ service: 'gateway', endpoint: config.otlpEndpoint });
  const transports = connect(config);
  const gateway = await buildGateway(config, {
    transports,
    logger: createLogger({ level: config.logLevel, service: 'gateway' }),
    metrics: createMetrics({ service: 'gateway' }),
  });
  await gateway.start();
  await new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  await gateway.stop();
  for (const transport of Object.values(transports)) transport.close();
  await tracing.stop();
}

function connect({ peers }: GatewayConfig): Record<(typeof SERVICES)[number], ServiceTransport> {
  const to = (name: (typeof SERVICES)[number]): ServiceTransport => {
    const { host, port } = peers[name];
    return createServiceTransport({ baseUrl: `http://${host.includes(':') ? `[${host}]` : host}:${port}` });
  };
  return { identity: to('identity'), servers: to('servers'), documents: to('documents') };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof ConfigError ? 2 : 1);
  },
);
