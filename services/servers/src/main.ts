import { setFlagsFromString } from 'node:v8';
import { ConfigError, serversConfig } from '@morag/config';
import { runProgram } from '@morag/rpc';
import { buildServersService } from './app.ts';

// What looks at servers leave behind outlives the young generation, and V8 would let it grow to several times what is in
// use before it collects: with 6,000 servers to 430 MiB resident instead of 245, for no less CPU.
setFlagsFromString('--heap-growing-percent=50');

await runProgram(() => buildServersService(serversConfig(process.env)), {
  isUsageError: (error) => error instanceof ConfigError,
});
