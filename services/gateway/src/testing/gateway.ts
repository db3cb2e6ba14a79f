import { createLogger, createMetrics } from '@morag/telemetry';
import { buildGateway, type Gateway, type GatewayOptions } from '../gateway.ts';
import { createTestServices, type TestBehaviour, type TestServices } from './services.ts';

/** A gateway over services in memory. */
export interface TestGateway {
  readonly gateway: Gateway;
  readonly services: TestServices;
  /** Lines of its log. */
  readonly log: string[];
}

/** Makes one; it listens only when it is started. */
export async function createTestGateway(
  behaviour: TestBehaviour = {},
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const services = createTestServices(behaviour);
  const log: string[] = [];
  const stream = { write: (line: string) => void log.push(line) };
  const gateway = await buildGateway(
    { listen: { host: '127.0.0.1', port: 0 }, corsOrigins: [], uploadBytesMax: 1_000_000, ...options },
    {
      transports: services.transports,
      logger: createLogger({ level: 'info', service: 'gateway', stream }),
      metrics: createMetrics({ service: 'gateway' }),
    },
  );
  return { gateway, services, log };
}
