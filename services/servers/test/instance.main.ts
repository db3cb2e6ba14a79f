import { createRouterTransport } from '@connectrpc/connect';
import { serversConfig } from '@morag/config';
import { createLogger } from '@morag/telemetry';
import { buildServersService } from '../src/index.ts';
import { createIdentity } from './identity-stub.ts';

/** The service in a process of its own, to be killed; says its port on standard output. */
const config = { ...serversConfig(process.env), listen: { host: '127.0.0.1', port: 0 } };
const service = await buildServersService(config, {
  logger: createLogger({ level: 'silent', service: 'servers' }),
  clients: { identity: createIdentity().transport, documents: createRouterTransport(() => {}) },
});
const { port } = await service.start();
process.stdout.write(`${port}\n`);
