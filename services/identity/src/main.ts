import { ConfigError, identityConfig } from '@morag/config';
import { buildIdentityService } from './app.ts';

/** Runs the service as a process of its own until it is told to stop. */
async function main(): Promise<void> {
  const service = await buildIdentityService(identityConfig(process.env));
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
