import { ConfigError, serversConfig } from '@morag/config';
import { runProgram } from '@morag/rpc';
import { buildServersService } from './app.ts';

await runProgram(() => buildServersService(serversConfig(process.env)), {
  isUsageError: (error) => error instanceof ConfigError,
});
