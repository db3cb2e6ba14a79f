import { ConfigError, serversConfig } from '@morag/config';
import { buildServersService } from './app.ts';

/** Runs the service as a process of its own until it is told to stop. */
async function main(): Promise<void> {
  const service = await buildServersService(serversConfig(process.env));
  await service.start();
  await new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  await service.stop();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof ConfigError ? 2 : 1);
  },
);
