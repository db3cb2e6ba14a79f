import { ConfigError, documentsConfig } from '@morag/config';
import { runProgram } from '@morag/rpc';
import { buildDocumentsService } from './app.ts';

await runProgram(() => buildDocumentsService(documentsConfig(process.env)), {
  isUsageError: (error) => error instanceof ConfigError,
});
