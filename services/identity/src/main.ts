import { ConfigError, identityConfig } from '@morag/config';
import { runProgram } from '@morag/rpc';
import { buildIdentityService } from './app.ts';

await runProgram(() => buildIdentityService(identityConfig(process.env)), {
  isUsageError: (error) => error instanceof ConfigError,
});
